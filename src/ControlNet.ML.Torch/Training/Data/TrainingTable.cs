using System.Security.Cryptography;
using System.Text;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// The rows to train on: image files with conditions and prompts, listed in <c>metadata.jsonl</c> or <c>metadata.csv</c> (Hugging Face's
/// image folder layout) or in <c>prompt.json</c> with source, target and prompt (the layout of fill50k, the data set of the original code's
/// tutorial).
/// </summary>
public sealed class TrainingTable
{
    private const string JsonFile = "metadata.jsonl", CsvFileName = "metadata.csv", PromptFile = "prompt.json";

    private TrainingTable(string folder, IReadOnlyList<TrainingRow> rows)
    {
        (Folder, Rows) = (folder, rows);
        Fingerprint = Hash(rows);
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>The rows in the file's order.</summary>
    public IReadOnlyList<TrainingRow> Rows { get; }

    /// <summary>
    /// SHA-256 of the rows' file names (within the folder) and prompts, as hexadecimal digits: identifies the table when a run is resumed.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Opens a folder.</summary>
    /// <param name="folder">
    /// A folder with <c>metadata.jsonl</c>, <c>metadata.csv</c> or <c>prompt.json</c>; the first two may also be in its <c>train</c>
    /// folder.
    /// </param>
    /// <param name="columns">Column names; null for those of the file's layout.</param>
    /// <param name="encoding">
    /// The file's encoding, by a name such as <c>windows-1252</c>; null for UTF-8. A byte order mark takes precedence.
    /// </param>
    /// <returns>The rows; no image has been read yet.</returns>
    /// <exception cref="ControlNetException">
    /// The folder has none of these files, a line is invalid or not in the encoding, the encoding is unknown, or images are missing (named
    /// together).
    /// </exception>
    public static TrainingTable Open(string folder, TrainingColumns? columns = null, string? encoding = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var decoding = EncodedText.Find(encoding);
        RequireFolder(folder);
        var root = Path.GetFullPath(folder);
        var file = FindFile(root) ?? throw new ControlNetException(
            $"{folder}: has neither metadata.jsonl or metadata.csv (Hugging Face's image folder) nor prompt.json (source, target, "
                + "prompt); the controlnet tool also reads Parquet files.");
        columns ??= Path.GetFileName(file) == PromptFile ? TrainingColumns.SourceTarget : new TrainingColumns();
        return Of(root, MetadataFile.Read(file, columns, decoding));
    }

    /// <summary>Makes a table of rows, and checks that their files exist.</summary>
    /// <param name="root">The folder that identifies the files: their names in it are part of the fingerprint.</param>
    /// <param name="rows">The rows, with full paths.</param>
    /// <exception cref="ControlNetException">There are no rows, or files are missing.</exception>
    internal static TrainingTable Of(string root, IReadOnlyList<TrainingRow> rows)
    {
        RequireFiles(root, rows);
        return new TrainingTable(root, rows);
    }

    /// <summary>The file that lists a folder's rows, or null.</summary>
    internal static string? FindFile(string root) =>
        Array.Find(
            [
                Path.Combine(root, JsonFile), Path.Combine(root, CsvFileName), Path.Combine(root, PromptFile),
                Path.Combine(root, "train", JsonFile), Path.Combine(root, "train", CsvFileName),
            ],
            File.Exists);

    /// <summary>Throws if there is no such folder.</summary>
    internal static void RequireFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ControlNetException($"{folder}: {(File.Exists(folder) ? "is a file" : "does not exist")}, expected a folder with "
                + $"metadata.jsonl, metadata.csv or prompt.json.");
    }

    /// <summary>A subset of the rows.</summary>
    /// <param name="rows">Their numbers.</param>
    internal TrainingTable Pick(IEnumerable<int> rows) => new(Folder, [.. rows.Select(row => Rows[row])]);

    private static void RequireFiles(string folder, IReadOnlyList<TrainingRow> rows)
    {
        if (rows.Count == 0)
            throw new ControlNetException($"{folder}: has no rows.");
        var missing = rows.SelectMany(row => new[] { row.Image, row.Condition }.OfType<string>().Where(file => !File.Exists(file))
            .Select(file => $"{row.Where}: {Message.Name(Path.GetRelativePath(folder, file))}")).ToList();
        if (missing.Count > 0)
            throw new ControlNetException($"{folder}: {missing.Count:N0} images are missing: {Message.List(missing, "; ")}.");
    }

    private string Hash(IReadOnlyList<TrainingRow> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var row in rows)
            hash.AppendData(
                Encoding.UTF8.GetBytes($"{Relative(row.Image)}\0{(row.Condition is null ? "" : Relative(row.Condition))}\0{row.Prompt}\0"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        string Relative(string path) => Path.GetRelativePath(Folder, path).Replace('\\', '/');
    }
}

/// <summary>A row to train on.</summary>
/// <param name="Where">File and line, for messages.</param>
/// <param name="Image">The image, full path.</param>
/// <param name="Condition">Its condition, full path; null if a preprocessor makes it from the image.</param>
/// <param name="Prompt">What the image shows; may be empty.</param>
public sealed record TrainingRow(string Where, string Image, string? Condition, string Prompt);

/// <summary>Column names of a training table.</summary>
public sealed record TrainingColumns
{
    /// <summary>The columns of fill50k's <c>prompt.json</c>.</summary>
    public static TrainingColumns SourceTarget { get; } = new() { Image = "target", Condition = "source", Prompt = "prompt" };

    /// <summary>Column of the images; as for the conditions, the column may also have Hugging Face's ending <c>_file_name</c>.</summary>
    /// <value>
    /// Default: <c>file_name</c>, as in Hugging Face's image folders, or <c>image</c>, as in the data sets of diffusers' training scripts.
    /// </value>
    public string Image { get; init; } = "file_name";

    /// <summary>Column of the conditions. A table without it needs <see cref="TrainingOptions.Preprocess"/>.</summary>
    /// <value>Default: <c>conditioning_image</c>.</value>
    public string Condition { get; init; } = "conditioning_image";

    /// <summary>Column of the prompts.</summary>
    /// <value>Default: <c>text</c>.</value>
    public string Prompt { get; init; } = "text";
}
