using System.Text;
using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Reads a file with a JSON object per line.</summary>
internal static class MetadataFile
{
    private const int LongestLine = 1 << 20;

    /// <summary>Reads all rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="columns">The names of the columns.</param>
    /// <param name="encoding">The file's encoding; null for UTF-8.</param>
    /// <exception cref="ControlNetException">A line is invalid; the message names it.</exception>
    public static List<TrainingRow> Read(string path, string root, TrainingColumns columns, Encoding? encoding)
    {
        List<TrainingRow> rows = [];
        var number = 0;
        foreach (var line in RegularFile.Lines(path, Path.GetFileName(path), LongestLine, encoding))
        {
            var where = $"{Path.GetFileName(path)} line {++number}";
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var row = JsonText.ParseObject(Encoding.UTF8.GetBytes(line), where);
            rows.Add(new TrainingRow(
                where, File(columns.Image)!, row.TryGetProperty(columns.Condition, out _)
                    ? File(columns.Condition)
                    : null, Text(columns.Prompt)));

            string? File(string column) => Text(column) is { Length: > 0 } name
                ? Full(name)
                : throw new ControlNetException($"{where}: '{column}' is empty, expected the name of an image file.");

            string Full(string name)
            {
                try
                {
                    return Path.GetFullPath(name, root);
                }
                catch (ArgumentException error)
                {
                    throw new ControlNetException($"{where}: {Message.Name(name)} is not a file name.", error);
                }
            }

            string Columns() =>
                row.EnumerateObject().Any() ? Message.List([.. row.EnumerateObject().Select(p => Message.Name(p.Name))]) : "none";

            string Text(string column) => !row.TryGetProperty(column, out var value)
                ? throw new ControlNetException($"{where}: has no '{column}'; its columns are {Columns()}.")
                : value.ValueKind == JsonValueKind.String
                    ? value.GetString()!
                    : throw new ControlNetException($"{where}: '{column}' is {JsonText.Describe(value)}, expected a text.");
        }

        return rows;
    }
}
