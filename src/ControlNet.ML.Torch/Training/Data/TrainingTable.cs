using System.Security.Cryptography;
using System.Text;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// The rows to train on: image files with conditions and prompts, listed in <c>metadata.jsonl</c> (Hugging Face's image folder layout) or
/// in
/// <c>prompt.json</c> with source, target and prompt (the layout of fill50k, the data set of the original code's tutorial).
/// </summary>
public sealed class TrainingTable
{
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
    /// <param name="folder">A folder with <c>metadata.jsonl</c> or <c>prompt.json</c>.</param>
    /// <param name="columns">Column names; null for those of the file's layout.</param>
    /// <param name="encoding">
    /// The file's encoding, by a name such as <c>windows-1252</c>; null for UTF-8. A byte order mark takes precedence.
    /// </param>
    /// <returns>The rows; no image has been read yet.</returns>
    /// <exception cref="ControlNetException">
    /// The folder has neither file, a line is invalid or not in the encoding, the encoding is unknown, or images are missing (named
    /// together).
    /// </exception>
    public static TrainingTable Open(string folder, TrainingColumns? columns = null, string? encoding = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var decoding = EncodedText.Find(encoding);
        if (!Directory.Exists(folder))
            throw new ControlNetException($"{folder}: {(File.Exists(folder) ? "is a file" : "does not exist")}, expected a folder with "
                + $"metadata.jsonl or prompt.json.");
        var root = Path.GetFullPath(folder);
        var (metadata, prompts) = (Path.Combine(root, "metadata.jsonl"), Path.Combine(root, "prompt.json"));
        var (file, names) = File.Exists(metadata) ? (metadata, columns ?? new TrainingColumns())
            : File.Exists(prompts) ? (prompts, columns ?? TrainingColumns.SourceTarget)
            : throw new ControlNetException(
                $"{folder}: has neither metadata.jsonl (Hugging Face's image folder) nor prompt.json (source, target, prompt).");
        var rows = MetadataFile.Read(file, root, names, decoding);
        RequireFiles(folder, rows);
        return new TrainingTable(root, rows);
    }

    /// <summary>A subset of the rows.</summary>
    /// <param name="rows">Their numbers.</param>
    internal TrainingTable Pick(IEnumerable<int> rows) => new(Folder, [.. rows.Select(row => Rows[row])]);

    private static void RequireFiles(string folder, List<TrainingRow> rows)
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

    /// <summary>Column of the images.</summary>
    /// <value>Default: <c>file_name</c>, as in Hugging Face's image folders.</value>
    public string Image { get; init; } = "file_name";

    /// <summary>Column of the conditions. A table without it needs <see cref="TrainingOptions.Preprocess"/>.</summary>
    /// <value>Default: <c>conditioning_image</c>.</value>
    public string Condition { get; init; } = "conditioning_image";

    /// <summary>Column of the prompts.</summary>
    /// <value>Default: <c>text</c>.</value>
    public string Prompt { get; init; } = "text";
}
