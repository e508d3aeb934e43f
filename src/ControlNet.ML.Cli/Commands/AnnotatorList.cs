using ControlNet.ML.Onnx;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The networks of the learned conditions and where to find them, as <c>models --annotators</c> prints them.</summary>
internal static class AnnotatorList
{
    /// <summary>Prints the list.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="json">Whether as one JSON document.</param>
    public static void Print(Terminal terminal, bool json)
    {
        var sources = new LearnedConditions().Sources;
        if (json)
        {
            Json.Print(terminal, new
            {
                annotators = sources.Select(source => new
                {
                    source.Condition,
                    source.Variant,
                    source.Option,
                    source.Models,
                    included = source.IsIncluded,
                }),
            });
            return;
        }

        foreach (var condition in sources.GroupBy(source => source.Condition))
        {
            terminal.Result(condition.Key);
            foreach (var source in condition)
            {
                var name = source.IsIncluded ? "included" : source.Option != "model" ? source.Option : source.Variant;
                terminal.Result($"  {name,-18} {source.Models}");
            }
        }
    }
}
