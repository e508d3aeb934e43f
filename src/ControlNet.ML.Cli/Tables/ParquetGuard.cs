using Parquet.Meta;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Limits what Parquet.Net does with a damaged file. It trusts the sizes that a file claims and decodes whole pages at once, which cannot
/// be cancelled: delta-encoded numbers whose header claims a negative number of blocks keep it busy forever (as of version 6.1). So claims
/// are checked first, and it runs on a thread that can be abandoned.
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="cancellationToken">Stops waiting for Parquet.Net.</param>
internal sealed class ParquetGuard(string path, CancellationToken cancellationToken)
{
    /// <summary>The maximum number of rows in a row group, whose columns are read as a whole: writers use at most a million.</summary>
    public const int MostRows = 1 << 24;

    /// <summary>A slow machine decodes a megabyte in a tenth of this.</summary>
    private static readonly TimeSpan ForEachMegabyte = TimeSpan.FromSeconds(4);

    /// <summary>How long even the smallest read may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads a part of the file; errors name the file.</summary>
    /// <param name="what">The part, for messages: <c>its footer</c>.</param>
    /// <param name="bytes">Its size in bytes.</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="ControlNetException">The part cannot be read, or reading takes longer than its size can explain.</exception>
    public T Run<T>(string what, long bytes, Func<T> read)
    {
        var limit = Patience + (ForEachMegabyte * (Math.Max(bytes, 0) / (double)(1 << 20)));
        var result = new TaskCompletionSource<T>();
        var worker = new Thread(Work) { IsBackground = true, Name = "Parquet" };
        worker.Start();
        try
        {
            // A thread in an endless loop cannot be stopped, only abandoned: it ends with the process, which this error ends.
            if (!result.Task.Wait((int)Math.Min(limit.TotalMilliseconds, int.MaxValue), cancellationToken))
            {
                throw new ControlNetException(
                    $"{path}: {what} cannot be read: reading has not ended after {limit.TotalSeconds:N0} s. The file is damaged.");
            }
        }
        catch (AggregateException)
        {
            // GetResult below rethrows the original exception.
        }

        try
        {
            return result.Task.GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not ControlNetException)
        {
            throw new ControlNetException($"{path}: {what} cannot be read as Parquet: {Reason(e)}", e);
        }

        void Work()
        {
            try
            {
                result.SetResult(read());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        }
    }

    /// <summary>A reason that a user understands, instead of Parquet.Net's unchecked failures.</summary>
    private static string Reason(Exception e) => e switch
    {
        OutOfMemoryException => "it claims sizes that exceed the memory.",
        NullReferenceException or IndexOutOfRangeException or ArgumentOutOfRangeException or ArithmeticException or InvalidCastException =>
            $"its parts do not fit together ({e.GetType().Name}). The file is damaged.",
        _ => Message.Of(e),
    };

    /// <summary>Checks the claims of a footer against the file, before anything is allocated for them.</summary>
    /// <param name="metadata">The footer.</param>
    /// <param name="length">Length of the file in bytes.</param>
    /// <exception cref="ControlNetException">A claim cannot be true.</exception>
    public void Check(FileMetaData? metadata, long length)
    {
        foreach (var (index, group) in (metadata?.RowGroups ?? []).Index())
        {
            if (group.NumRows is < 0 or > MostRows)
                throw Wrong($"row group {index} claims {group.NumRows:N0} rows, expected 0 to {MostRows:N0}");
            foreach (var column in group.Columns.Select(column => column.MetaData).OfType<ColumnMetaData>())
            {
                var name = Message.Name(string.Join('.', column.PathInSchema));
                var start = StartOf(column);
                if (start < 0 || column.DataPageOffset < 0 || column.TotalCompressedSize < 0 || start > length - column.TotalCompressedSize)
                {
                    var end = start + (decimal)column.TotalCompressedSize;
                    throw Wrong(
                        $"the column {name} of row group {index} claims the bytes {start:N0} to {end:N0}, but the file has {length:N0}");
                }

                if (column.NumValues < 0)
                    throw Wrong($"the column {name} of row group {index} claims {column.NumValues:N0} values");
            }
        }

        if (metadata is not null && metadata.RowGroups.Sum(group => (decimal)group.NumRows) is var rows && rows != metadata.NumRows)
            throw Wrong($"it claims {metadata.NumRows:N0} rows, but its row groups have {rows:N0}");
    }

    /// <summary>Offset and length of a row group's column in bytes; zero for a missing column.</summary>
    /// <param name="group">The row group.</param>
    /// <param name="path">The names that lead to the column: one, or two of a part of a structure.</param>
    public static (long Start, long Length) PlaceOf(RowGroup group, IEnumerable<string> path)
    {
        var columns = group.Columns.Select(chunk => chunk.MetaData).OfType<ColumnMetaData>();
        return columns.FirstOrDefault(data => data.PathInSchema is { } names && names.SequenceEqual(path)) is { } column
            ? (StartOf(column), column.TotalCompressedSize)
            : default;
    }

    private static long StartOf(ColumnMetaData column) =>
        column.DictionaryPageOffset is > 0 and var dictionary ? Math.Min(dictionary, column.DataPageOffset) : column.DataPageOffset;

    private ControlNetException Wrong(string what) => new($"{path}: {what}. The file is damaged or cut off.");
}
