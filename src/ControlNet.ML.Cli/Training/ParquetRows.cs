using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Training;

/// <summary>
/// Reads rows to train on from Parquet files. Images that are stored in them are written to a folder once, as they are and named by their
/// content, since training reads its rows many times and in random order; columns of file names refer to files next to the Parquet file.
/// </summary>
/// <param name="root">The folder of the data set.</param>
/// <param name="columns">The names of the columns.</param>
/// <param name="target">The folder for the images.</param>
/// <param name="cancellationToken">Checked before each row.</param>
internal sealed class ParquetRows(string root, TrainingColumns columns, string target, CancellationToken cancellationToken)
{
    private readonly List<TrainingRow> _rows = [];
    private bool _hasImages;

    /// <summary>Reads files.</summary>
    /// <param name="files">The files, in order.</param>
    /// <param name="show">Told the rows read, and their total.</param>
    /// <exception cref="ControlNetException">A file or a row cannot be read, or a column is missing.</exception>
    public TrainingTable Read(IReadOnlyList<string> files, Action<double, double> show)
    {
        var tables = files.Select(file => new ParquetTable(file, new ParquetGuard(file, cancellationToken), withImages: true)).ToList();
        var total = tables.Sum(table => table.CountRows(cancellationToken));
        foreach (var table in tables)
            Read(table, () => show(_rows.Count, total));
        return TrainingTable.Of(_hasImages ? Path.GetFullPath(target) : root, _rows);
    }

    private void Read(ParquetTable table, Action next)
    {
        var name = Path.GetRelativePath(root, table.Path).Replace('\\', '/');
        var image = Find(table, name, columns.Image) ?? throw Missing(table, name, columns.Image);
        var condition = Find(table, name, columns.Condition);
        var prompt = IndexOf(table, columns.Prompt) ?? throw Missing(table, name, columns.Prompt);

        // In the order of the values that the sources take.
        int[] read = [prompt, .. image.Columns, .. condition?.Columns ?? []];
        foreach (var row in table.Read(read))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var where = $"{name} row {row.Number}";
            var values = row.Values.AsSpan();
            var count = image.Columns.Length;
            _rows.Add(new TrainingRow(
                where,
                FileOf(image, values.Slice(1, count), table.Path, where),
                condition is null ? null : FileOf(condition, values[(1 + count)..], table.Path, where),
                Text(values[0], columns.Prompt, where) ?? ""));
            next();
        }
    }

    /// <summary>The file of a row's image, which is written if the row holds the image itself.</summary>
    private string FileOf(Source source, ReadOnlySpan<object?> values, string parquet, string where)
    {
        var path = source.Path is { } place ? Text(values[place], source.Name, where) : null;
        if (source.Bytes is { } index && values[index] is byte[] { Length: > 0 } bytes)
            return Keep(bytes, path);
        return path is { Length: > 0 }
            ? MetadataRow.FullPath(path, Path.GetDirectoryName(parquet)!, where)
            : throw new ControlNetException($"{where}: the column {Message.Name(source.Name)} has no image.");
    }

    private string Keep(byte[] bytes, string? name)
    {
        var ending = PhotoFiles.Extensions.FirstOrDefault(known => name?.EndsWith(known, StringComparison.OrdinalIgnoreCase) == true) ?? "";
        var path = Path.Combine(target, "images", Convert.ToHexStringLower(SHA256.HashData(bytes))[..32] + ending);
        if (!_hasImages)
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _hasImages = true;
        if (new FileInfo(path) is not { Exists: true } file || file.Length != bytes.Length)
            AtomicFile.Write(path, stream => stream.Write(bytes));
        return Path.GetFullPath(path);
    }

    private static string? Text(object? value, string column, string where) => value switch
    {
        null => null,
        string text => text,
        byte[] bytes when Utf8.IsValid(bytes) => Encoding.UTF8.GetString(bytes),
        byte[] => throw new ControlNetException($"{where}: the column {Message.Name(column)} is not valid UTF-8, expected text."),
        _ => throw new ControlNetException($"{where}: the column {Message.Name(column)} holds numbers, expected text."),
    };

    /// <summary>Where the images of a column are; null if the table has no such column.</summary>
    private static Source? Find(ParquetTable table, string file, string column)
    {
        foreach (var name in MetadataRow.Candidates(column))
        {
            if (IndexOf(table, ParquetImages.BytesOf(name)) is { } bytes)
            {
                return IndexOf(table, ParquetImages.PathOf(name)) is { } path
                    ? new Source(name, [bytes, path], Bytes: 0, Path: 1)
                    : new Source(name, [bytes], Bytes: 0, Path: null);
            }

            if (IndexOf(table, name) is { } only)
            {
                // Old writers do not mark text as text, but call a column of file names by its ending.
                var isImage = table.Columns[only].Type == typeof(byte[]) && !name.EndsWith("file_name", StringComparison.Ordinal);
                return isImage ? new Source(name, [only], Bytes: 0, Path: null) : new Source(name, [only], Bytes: null, Path: 0);
            }

            if (table.Unreadable.FirstOrDefault(other => other.Name == name) is { } unreadable)
                throw new ControlNetException(
                    $"{file}: the column {Message.Name(name)} {unreadable.Why}, expected images (bytes and path) or file names.");
        }

        return null;
    }

    private static int? IndexOf(ParquetTable table, string name) =>
        table.Columns.Index().FirstOrDefault(column => column.Item.Name == name) is { Item: not null } found ? found.Index : null;

    private static ControlNetException Missing(ParquetTable table, string file, string column) => MetadataRow.MissingColumn(
        file, column, [.. table.Columns.Select(one => one.Name).Concat(table.Unreadable.Select(one => one.Name))]);

    /// <summary>Where a column's images are.</summary>
    /// <param name="Name">The column's name.</param>
    /// <param name="Columns">The table's columns to read.</param>
    /// <param name="Bytes">Index of the image's bytes among their values, or null.</param>
    /// <param name="Path">Index of the image's file name among their values, or null.</param>
    private sealed record Source(string Name, int[] Columns, int? Bytes, int? Path);
}
