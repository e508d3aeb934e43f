using System.Text;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Reads a file with a JSON object per line, or a CSV file.</summary>
internal static class MetadataFile
{
    private const int LongestLine = 1 << 20;

    /// <summary>Reads all rows.</summary>
    /// <param name="path">The file; its ending tells the format.</param>
    /// <param name="columns">The names of the columns.</param>
    /// <param name="encoding">The file's encoding; null for UTF-8.</param>
    /// <exception cref="ControlNetException">A line is invalid; the message names it.</exception>
    public static List<TrainingRow> Read(string path, TrainingColumns columns, Encoding? encoding)
    {
        var root = Path.GetDirectoryName(path)!;
        var rows = Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? Csv(path, encoding) : Json(path, encoding);
        return [.. rows.Select(row => row.Read(root, columns))];
    }

    private static IEnumerable<MetadataRow> Json(string path, Encoding? encoding)
    {
        var (name, number) = (Path.GetFileName(path), 0);
        foreach (var line in RegularFile.Lines(path, name, LongestLine, encoding))
        {
            var where = $"{name} line {++number}";
            if (!string.IsNullOrWhiteSpace(line))
                yield return MetadataRow.Of(JsonText.ParseObject(Encoding.UTF8.GetBytes(line), where), where);
        }
    }

    private static IEnumerable<MetadataRow> Csv(string path, Encoding? encoding)
    {
        var (name, number) = (Path.GetFileName(path), 0);
        var file = new CsvFile(path, name, separator: null, encoding);
        var places = file.Names.Index().ToDictionary(column => column.Item, column => column.Index);
        foreach (var (values, problem) in file.Rows([.. Enumerable.Range(0, file.Names.Count)]))
        {
            var where = $"{name} row {number++}";
            if (problem is not null)
                throw new ControlNetException($"{where}: {problem}.");
            yield return new MetadataRow(where, file.Names, column => values[places[column]] ?? "");
        }
    }
}
