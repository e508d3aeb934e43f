using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ControlNet.ML.Cli;

/// <summary>
/// The library's help, except for subcommands of commands with arguments (<c>score merge</c>), for which it would list the parent's
/// arguments too, although they do not apply.
/// </summary>
internal sealed class SubcommandHelp(HelpAction help) : SynchronousCommandLineAction
{
    /// <summary>Replaces a root command's help.</summary>
    public static void Use(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            if (option.Action is HelpAction help)
                option.Action = new SubcommandHelp(help);
        }
    }

    public override bool ClearsParseErrors => help.ClearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        if (parent is null or RootCommand || parent.Arguments.Count == 0)
            return help.Invoke(parseResult);

        foreach (var argument in parent.Arguments)
            argument.Hidden = true;
        try
        {
            return help.Invoke(parseResult);
        }
        finally
        {
            foreach (var argument in parent.Arguments)
                argument.Hidden = false;
        }
    }
}
