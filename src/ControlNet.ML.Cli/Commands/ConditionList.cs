using ControlNet.ML.Conditions;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The kinds of conditions and their options, as <c>annotate --list</c> prints them.</summary>
internal static class ConditionList
{
    /// <summary>Prints the list.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="json">Whether as one JSON document.</param>
    public static void Print(Terminal terminal, bool json)
    {
        if (json)
        {
            Json.Print(terminal, new { conditions = ConditionCatalog.All.Select(Document) });
            return;
        }

        foreach (var kind in ConditionCatalog.All)
        {
            terminal.Result($"{kind.Name}: {kind.Description}{(kind.NeedsFile ? "; needs --set model=FILE.onnx" : "")}");
            var options = Options(kind);
            foreach (var option in options)
                terminal.Result($"    {option.Name.PadRight(options.Max(other => other.Name.Length))}  {Explain(option)}");
        }
    }

    /// <summary>Type, range and default of an option: <c>integer, 0 to 255; default 127</c>.</summary>
    public static string Explain(ConditionOption option)
    {
        // The values of a choice are its type.
        var what = option.Values.Count > 0 ? option.Range
            : option.Range.Length > 0 ? $"{option.Type}, {option.Range}"
            : option.Type == "boolean" ? "true or false" : option.Type;
        return ConditionOption.Text(option.Default) is { Length: > 0 } value ? $"{what}; default {value}" : what;
    }

    /// <summary>The options of a kind.</summary>
    public static IReadOnlyList<ConditionOption> Options(ConditionKind kind) =>
        kind.Defaults is { } defaults ? ConditionOption.Of(defaults) : [];

    private static object Document(ConditionKind kind) => new
    {
        kind.Name,
        kind.Description,
        learned = kind.IsLearned,
        needs_file = kind.NeedsFile,
        options = Options(kind).Select(option => new
        {
            option.Name,
            option.Type,
            option.Minimum,
            option.MinimumIsExclusive,
            option.Maximum,
            values = option.Values.Count > 0 ? option.Values : null,
            option.Default,
        }),
    };
}
