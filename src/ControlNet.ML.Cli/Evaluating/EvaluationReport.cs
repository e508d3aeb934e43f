using System.Globalization;
using System.Text;
using System.Text.Json;
using ControlNet.ML.Cli.Scoring;
using nietras.SeparatedValues;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The report of an evaluation: a table in the terminal, JSON, CSV by image, Markdown, and a contact sheet.</summary>
internal static class EvaluationReport
{
    private const string JsonName = "evaluation.json", CsvName = "evaluation.csv", MarkdownName = "evaluation.md";
    private const int NameWidth = 20, ColumnWidth = 22;

    /// <summary>The files that an evaluation writes into its folder besides those of <c>score</c>; none of them may be an input.</summary>
    public static IEnumerable<string> Files(string folder, Shard shard) =>
    [
        EvaluationRecord.PathOf(folder), MeasureJournal.PathOf(folder, shard),
        .. new[] { JsonName, CsvName, MarkdownName, ContactSheet.FileName }.Select(name => Path.Combine(folder, name)),
    ];

    /// <summary>Writes all files.</summary>
    /// <exception cref="ControlNetException">One cannot be written.</exception>
    public static void Write(string folder, EvaluationSummary summary)
    {
        ContactSheet.Write(folder, summary);
        WriteCsv(Path.Combine(folder, CsvName), summary);
        WriteText(MarkdownName, EvaluationMarkdown.Of(summary, ContactSheet.Columns(folder, summary)));
        WriteText(JsonName, JsonSerializer.Serialize(Document(summary), Json.Options) + "\n");

        void WriteText(string name, string text) =>
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Prints the report.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="folder">The folder of the evaluation.</param>
    /// <param name="summary">The figures.</param>
    /// <param name="json">Whether as one JSON document.</param>
    public static void Print(Terminal terminal, string folder, EvaluationSummary summary, bool json)
    {
        if (json)
        {
            Json.Print(terminal, Document(summary));
            return;
        }

        foreach (var warning in summary.Warnings)
            terminal.Warn(warning);
        foreach (var method in summary.Methods.Where(method => method.Failed > 0))
            terminal.Warn(
                $"{Message.Name(method.Name)}: {method.Failed:N0} of {method.Images + method.Failed:N0} images are missing or could not be "
                    + $"measured, for instance {method.FirstError}");
        foreach (var methods in summary.Methods.Chunk(Math.Max(1, (terminal.Width - NameWidth) / (ColumnWidth + 2))))
            PrintTable(terminal, methods);
        terminal.Result(Path.Combine(folder, MarkdownName));
    }

    /// <summary>A figure with its interval.</summary>
    public static string Text(Figure? figure) => figure switch
    {
        null => "-",
        { Interval: { } interval } => $"{Number(figure.Value)} [{Number(interval.Low)}, {Number(interval.High)}]",
        _ => Number(figure.Value),
    };

    private static string Number(double value) => value.ToString(
        Math.Abs(value) switch
        {
            >= 100 => "0.0",
            >= 0.01 or 0 => "0.000",
            _ => "0.####e0",
        },
        CultureInfo.InvariantCulture);

    private static void PrintTable(Terminal terminal, IReadOnlyList<MethodSummary> methods)
    {
        terminal.Result(Line("", methods.Select(method => method.Name)));
        terminal.Result(Line("images", methods.Select(method => $"{method.Images:N0}")));
        foreach (var name in Metric.Order(methods.SelectMany(method => method.Metrics.Keys).Distinct()))
            terminal.Result(Line(
                $"{name} {Metric.Find(name).Better}", methods.Select(method => Text(method.Metrics.GetValueOrDefault(name)))));
        terminal.Result();

        static string Line(string title, IEnumerable<string> cells) =>
            (title.PadRight(NameWidth) + string.Concat(cells.Select(cell => $"  {Cut(cell).PadRight(ColumnWidth)}"))).TrimEnd();

        static string Cut(string cell) => cell.Length <= ColumnWidth ? cell : $"{cell[..(ColumnWidth - 1)]}…";
    }

    private static void WriteCsv(string file, EvaluationSummary summary)
    {
        var entries = summary.Record.Methods.SelectMany(method =>
            Enumerable.Range(0, (int)method.Images).Select(row => summary.Entries[(method.Name, row)])).ToList();
        var metrics = Metric.Order(entries.SelectMany(entry => entry.Metrics.Keys).Distinct()).ToList();
        AtomicFile.Write(file, stream =>
        {
            using var text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            using var writer = Sep.New(',').Writer(options => options with { Escape = true }).To(text);
            foreach (var entry in entries)
            {
                using var row = writer.NewRow();
                row["method"].Set(entry.Method);
                row["row"].Set(ResultColumns.Text(entry.Row));
                row["file"].Set(entry.File);
                foreach (var metric in metrics)
                    row[metric].Set(entry.Metrics.TryGetValue(metric, out var value) ? ResultColumns.Text(value) : "");
                row["error"].Set(entry.Error);
            }
        });
    }

    private static object Document(EvaluationSummary summary) => new
    {
        summary.Record.Table,
        summary.Record.Rows,
        real = summary.Record.Real is { } real ? new { source = real.Name, images = summary.Real } : null,
        summary.Record.Settings,
        methods = summary.Methods.Select(method => new
        {
            method.Name,
            method.Kind,
            method.Folder,
            method.Images,
            method.Failed,
            method.FirstError,
            metrics = method.Metrics.ToDictionary(metric => metric.Key, metric => new
            {
                metric.Value.Value,
                low = metric.Value.Interval?.Low,
                high = metric.Value.Interval?.High,
                metric.Value.Deviation,
                metric.Value.Count,
            }),
            method.Classes,
        }),
        summary.Warnings,
    };
}
