using System.Globalization;
using System.Text;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The report of an evaluation as Markdown.</summary>
internal static class EvaluationMarkdown
{
    /// <summary>Writes the report.</summary>
    /// <param name="summary">The figures.</param>
    /// <param name="columns">The columns of the contact sheet.</param>
    public static string Of(EvaluationSummary summary, IReadOnlyList<string> columns)
    {
        var text = new StringBuilder("# Evaluation\n\n");
        var metrics = Metric.Order(summary.Methods.SelectMany(method => method.Metrics.Keys).Distinct()).ToList();
        Row(["method", "images", .. metrics.Select(name => $"{name} {Metric.Find(name).Better}")]);
        Row(Enumerable.Repeat("---", metrics.Count + 2));
        foreach (var method in summary.Methods)
            Row([
                Cell(method.Name), method.Images.ToString("N0", CultureInfo.InvariantCulture),
                .. metrics.Select(name => EvaluationReport.Text(method.Metrics.GetValueOrDefault(name))),
            ]);
        text.Append("\nIn brackets: 95% intervals over images, of means by 10,000 resamples, of distances of sets by the jackknife.\n\n");
        foreach (var name in metrics)
            text.Append(CultureInfo.InvariantCulture, $"- `{name}`: {Metric.Find(name).Meaning}\n");

        foreach (var problem in summary.Warnings.Concat(summary.Methods.Where(method => method.Failed > 0).Select(method =>
            $"{method.Name}: {method.Failed} of {method.Failed + method.Images} images are missing or could not be measured, for instance "
                + method.FirstError)))
            text.Append(CultureInfo.InvariantCulture, $"\n> {Cell(problem)}\n");
        Classes(summary);
        if (summary.Record.SheetRows > 0)
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n## The first rows\n\n{string.Join(" | ", columns.Select(Cell))}\n\n![The first rows]({ContactSheet.FileName})\n");
        text.Append("\n## How it was measured\n\n");
        text.Append(CultureInfo.InvariantCulture, $"- table: {Cell(summary.Record.Table)}, {summary.Record.Rows} rows\n");
        if (summary.Record.Real is { } real)
            text.Append(CultureInfo.InvariantCulture, $"- real images: {Cell(real.Name)}, {summary.Real} images\n");
        foreach (var (name, value) in summary.Record.Settings)
            text.Append(CultureInfo.InvariantCulture, $"- {Cell(name)}: {Cell(value)}\n");
        return text.ToString();

        void Row(IEnumerable<string> cells) => text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", cells)} |\n");

        void Classes(EvaluationSummary of)
        {
            var methods = of.Methods.Where(method => method.Classes is not null).ToList();
            var names = methods.SelectMany(method => method.Classes!.Keys).Distinct()
                .Where(name => methods.Any(method => method.Classes!.GetValueOrDefault(name) is not null)).ToList();
            if (names.Count == 0)
                return;
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n## IoU of the classes\n\n{names.Count} classes occur; those that occur in no map do not count.\n\n");
            Row(["class", .. methods.Select(method => Cell(method.Name))]);
            Row(Enumerable.Repeat("---", methods.Count + 1));
            foreach (var name in names)
                Row([
                    Cell(name),
                    .. methods.Select(method =>
                        method.Classes!.GetValueOrDefault(name)?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-"),
                ]);
        }
    }

    /// <summary>A text without line breaks and characters of Markdown's tables.</summary>
    private static string Cell(string text) => Message.Line(text).Replace("|", "\\|", StringComparison.Ordinal);
}
