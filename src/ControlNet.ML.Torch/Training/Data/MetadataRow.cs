using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>A row of a metadata file: texts by column.</summary>
/// <param name="where">File and line or row, for messages.</param>
/// <param name="columns">The names of its columns.</param>
/// <param name="text">The text in a column that it has.</param>
internal sealed class MetadataRow(string where, IReadOnlyCollection<string> columns, Func<string, string> text)
{
    /// <summary>Hugging Face's ending of columns with the names of files: <c>conditioning_image_file_name</c>.</summary>
    public const string FileEnding = "_file_name";

    /// <summary>A row of JSON lines.</summary>
    public static MetadataRow Of(JsonElement row, string where) => new(
        where,
        [.. row.EnumerateObject().Select(property => property.Name)],
        column => row.GetProperty(column) is { ValueKind: JsonValueKind.String } value
            ? value.GetString()!
            : throw new ControlNetException(
                $"{where}: {Message.Name(column)} is {JsonText.Describe(row.GetProperty(column))}, expected a string."));

    /// <summary>The row's image, condition and prompt.</summary>
    /// <param name="root">The folder that its files are relative to.</param>
    /// <param name="names">The names of the columns.</param>
    /// <exception cref="ControlNetException">A column is missing, or has no file name.</exception>
    public TrainingRow Read(string root, TrainingColumns names)
    {
        var condition = Find(names.Condition);
        return new TrainingRow(
            where, File(root, Find(names.Image) ?? throw Missing(names.Image)), condition is null ? null : File(root, condition),
            columns.Contains(names.Prompt) ? text(names.Prompt) : throw Missing(names.Prompt));
    }

    /// <summary>The column of a file; null if there is none.</summary>
    private string? Find(string name) => Candidates(name).FirstOrDefault(columns.Contains);

    /// <summary>
    /// The names that a column may have: with Hugging Face's ending too, and instead of the usual <c>file_name</c> that of diffusers' data
    /// sets, <c>image</c>.
    /// </summary>
    public static IEnumerable<string> Candidates(string name) => name == new TrainingColumns().Image
        ? [name, "image", "image" + FileEnding]
        : [name, name + FileEnding];

    private string File(string root, string column) =>
        text(column) is { Length: > 0 } name
            ? FullPath(name, root, where)
            : throw new ControlNetException($"{where}: {Message.Name(column)} is empty, expected the name of an image file.");

    /// <summary>The full path of a file that a row names.</summary>
    /// <exception cref="ControlNetException">It is not the name of a file.</exception>
    public static string FullPath(string name, string root, string where)
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

    private ControlNetException Missing(string column) => MissingColumn(where, column, columns);

    /// <summary>The error for a column that is missing.</summary>
    public static ControlNetException MissingColumn(string where, string column, IReadOnlyCollection<string> columns) => new(
        $"{where}: has no {Message.Name(column)}; its columns are "
            + $"{(columns.Count == 0 ? "none" : Message.List([.. columns.Select(Message.Name)]))}.");
}
