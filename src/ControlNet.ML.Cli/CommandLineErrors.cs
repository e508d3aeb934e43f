using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace ControlNet.ML.Cli;

/// <summary>
/// Finds out what is wrong with a command line. A mistyped command or option is reported alone, with the name that was probably meant: what
/// the parser says about the arguments behind it is a consequence.
/// </summary>
internal static class CommandLineErrors
{
    // Names of the same options in diffusers and web UIs, too far from ours to count as a typing error.
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["--sampler"] = "--scheduler",
        ["--sampler-name"] = "--scheduler",
        ["--cfg-scale"] = "--guidance",
        ["--num-inference-steps"] = "--steps",
        ["--num-images-per-prompt"] = "--count",
        ["--conditioning-scale"] = "--control",
        ["--controlnet"] = "--control",
        ["--max-train-steps"] = "--steps",
        ["--output-dir"] = "--output",
        ["--resolution"] = "--size",
    };

    /// <summary>The problems of a command line, one message each; none if it can be run.</summary>
    /// <param name="parsed">What the parser made of it.</param>
    /// <param name="args">The command line.</param>
    public static IReadOnlyList<string> Find(ParseResult parsed, IReadOnlyList<string> args)
    {
        ArgumentNullException.ThrowIfNull(parsed);
        if (parsed.Action?.ClearsParseErrors == true)
            return [];
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens is [var name, ..] && IsGroup(command) && !IsOption(name))
            return [$"Unknown command {Message.Name(name)}.{DidYouMean(NearestName.Suggest(name, Subcommands(command)))}"];
        if (UnknownOptions(parsed, args) is [var option, ..])
            return [$"Unknown option {Message.Name(option)}{Of(command)}.{DidYouMean(MeantOption(option, command))}"];
        if (parsed.UnmatchedTokens is [var word, ..])
            return [Unexpected(parsed, word)];
        return [.. parsed.Errors.Select(error => Explain(error, command)).Distinct()];
    }

    /// <summary>
    /// Words that look like options and are not: the parser takes them for arguments, for instance for a prompt. What follows <c>--</c>
    /// never is an option.
    /// </summary>
    private static string[] UnknownOptions(ParseResult parsed, IReadOnlyList<string> args)
    {
        var literal = args.SkipWhile(arg => arg != "--").ToHashSet();
        var arguments = parsed.CommandResult.Children.SelectMany(result => result switch
        {
            ArgumentResult argument => argument.Tokens,
            OptionResult { Option.AllowMultipleArgumentsPerToken: true } option => option.Tokens,
            _ => [],
        }).Select(token => token.Value).Where(word => word.StartsWith("--", StringComparison.Ordinal));
        return [.. arguments.Concat(parsed.UnmatchedTokens).Where(word => IsOption(word) && !literal.Contains(word))];
    }

    private static bool IsOption(string word) =>
        word.StartsWith('-') && word.TrimStart('-') is { Length: > 0 } name && char.IsLetter(name[0]);

    /// <summary>Whether a command does nothing itself, such as <c>draw</c>.</summary>
    private static bool IsGroup(Command command) => command.Arguments.Count == 0 && command.Subcommands.Count > 0;

    private static string[] Subcommands(Command command) => [.. command.Subcommands.Where(sub => !sub.Hidden).Select(sub => sub.Name)];

    private static string Unexpected(ParseResult parsed, string word)
    {
        var command = parsed.CommandResult.Command;
        // 'score merg run': what was meant as a subcommand became the first argument.
        var first = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).FirstOrDefault()?.Value;
        if (first is not null && NearestName.Suggest(first, Subcommands(command)) is { } nearest)
            return $"Unexpected argument {Message.Name(word)}{Of(command)}.{DidYouMean($"{Path(command)} {nearest}")}";
        var whole = string.Join(' ', new[] { first }.OfType<string>().Concat(parsed.UnmatchedTokens));
        return command.Arguments.Any(argument => argument.Name == "prompt")
            ? $"Unexpected argument {Message.Name(word)}{Of(command)}. Quote a prompt of several words: \"{Message.Escape(whole)}\"."
            : $"Unexpected argument {Message.Name(word)}{Of(command)}.";
    }

    private static string Explain(ParseError error, Command command) => error.SymbolResult switch
    {
        ArgumentResult { Parent: OptionResult option } => Explain(error, option),
        OptionResult option => Explain(error, option),
        ArgumentResult { Tokens.Count: 0 } argument => $"The argument '{argument.Argument.Name}'{Of(command)} is missing.",
        ArgumentResult argument when Choices(argument.Argument) is { Count: > 0 } choices =>
            Choose($"The {argument.Argument.Name}", argument.Tokens, choices) ?? error.Message,
        CommandResult when error.Message.Contains("command was not provided", StringComparison.OrdinalIgnoreCase) =>
            $"'{(command is RootCommand ? "controlnet" : Path(command))}' needs a command, expected "
                + $"{Message.Choices(Subcommands(command))}.",
        _ => error.Message,
    };

    private static string Explain(ParseError error, OptionResult result)
    {
        var (option, name) = (result.Option, result.IdentifierToken?.Value ?? result.Option.Name);
        if (result.Tokens.Count == 0)
            return result.IdentifierToken is null ? $"The option {option.Name} is missing." : $"{name} has no value.";

        // The messages of our own checks begin with the option; those of the parser name types of .NET.
        if (error.Message.StartsWith("--", StringComparison.Ordinal))
            return error.Message;
        var choices = Choices(option);
        if (choices.Count > 0)
            return Choose(name, result.Tokens, choices) ?? error.Message;
        var type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        type = type.GetElementType() ?? type;
        var expected =
            type == typeof(bool) ? "true or false"
            : type == typeof(int) || type == typeof(long) ? "a whole number"
            : type == typeof(double) ? "a number" : null;
        return expected is null ? error.Message : $"{name} is {Message.Name(result.Tokens[^1].Value)}, expected {expected}.";
    }

    /// <summary>The message for a value that is not one of the choices; null if all are.</summary>
    private static string? Choose(string name, IReadOnlyList<Token> tokens, IReadOnlyList<string> choices)
    {
        var wrong = tokens.Select(token => token.Value).FirstOrDefault(value => !choices.Contains(value, StringComparer.OrdinalIgnoreCase));
        return wrong is null
            ? null
            : $"{name} is {Message.Name(wrong)}.{DidYouMean(NearestName.Suggest(wrong, choices))} Expected {Message.Choices(choices)}.";
    }

    private static List<string> Choices(Symbol symbol) =>
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(completion => completion.Label)];

    private static string? MeantOption(string typed, Command command)
    {
        string[] known =
        [
            .. command.Options
                .Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options.Where(option => option.Recursive)))
                .Where(option => !option.Hidden).Select(option => option.Name),
        ];
        if (Elsewhere.GetValueOrDefault(typed.Replace('_', '-')) is { } translated && known.Contains(translated))
            return translated;

        // --negative-prompt for --negative; --scale for --control-scale.
        return NearestName.Suggest(typed.Replace('_', '-'), known)
            ?? known.FirstOrDefault(name => typed.StartsWith($"{name}-", StringComparison.OrdinalIgnoreCase)
                || typed.StartsWith($"{name}_", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith($"{typed}-", StringComparison.OrdinalIgnoreCase));
    }

    private static string DidYouMean(string? nearest) => nearest is null ? "" : $" Did you mean '{nearest}'?";

    private static string Of(Command command) => command is RootCommand ? "" : $" of '{Path(command)}'";

    /// <summary>A command with its parents, as it is typed: <c>score merge</c>.</summary>
    public static string Path(Command command) => string.Join(
        ' ',
        command.Parents.OfType<Command>().Where(parent => parent is not RootCommand).Select(parent => parent.Name).Append(command.Name));
}
