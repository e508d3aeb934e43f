using Parquet.Meta;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Keeps what Parquet.Net does with a damaged file within bounds. It believes the sizes that a file claims and decodes whole pages
/// at once, which no token stops: numbers in delta encoding whose header claims a negative count of blocks would keep it busy for ever
/// (as of version 6.1). So claims are checked before they are believed, and it works on a thread that can be left behind.
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="cancellationToken">Stops the waiting.</param>
internal sealed class ParquetGuard(string path, CancellationToken cancellationToken)
{
    /// <summary>The most rows of a row group, whose columns are read as a whole: writers make a million at most.</summary>
    public const int MostRows = 1 << 24;

    /// <summary>A slow machine decodes a megabyte in a tenth of this.</summary>
    private static readonly TimeSpan ForEachMegabyte = TimeSpan.FromSeconds(4);

    /// <summary>How long reading may take however little there is to read.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads something; whatever goes wrong is said with the file's name.</summary>
    /// <param name="what">What is read, for messages: <c>its footer</c>.</param>
    /// <param name="bytes">How many bytes of the file that takes.</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="ControlNetException">It cannot be read, or not in a time that its size could explain.</exception>
    public T Run<T>(string what, long bytes, Func<T> read)
    {
        var limit = Patience + (ForEachMegabyte * (Math.Max(bytes, 0) / (double)(1 << 20)));
        var result = new TaskCompletionSource<T>();
        var worker = new Thread(Work) { IsBackground = true, Name = "Parquet" };
        worker.Start();
        try
        {
            // A thread in an endless loop cannot be ended, only left: it ends with the process, which has nothing else to do.
            if (!result.Task.Wait((int)Math.Min(limit.TotalMilliseconds, int.MaxValue), cancellationToken))
                throw new ControlNetException($"{path}: {what} cannot be read: after {limit.TotalSeconds:N0} s there is no end to it. The file is damaged.");
        }
        catch (AggregateException)
        {
            // Thrown anew below, as it was.
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

    /// <summary>What a user can make something of: what Parquet.Net stumbles over without having looked says nothing.</summary>
    private static string Reason(Exception e) => e switch
    {
        OutOfMemoryException => "it claims sizes for which the memory does not suffice.",
        NullReferenceException or IndexOutOfRangeException or ArgumentOutOfRangeException or ArithmeticException or InvalidCastException =>
            $"its parts do not fit together ({e.GetType().Name}). The file is damaged.",
        _ => Message.Of(e),
    };

    /// <summary>Checks what a footer claims against the file: before anything is allocated by it.</summary>
    /// <param name="metadata">The footer.</param>
    /// <param name="length">The file's bytes.</param>
    /// <exception cref="ControlNetException">A claim cannot be true.</exception>
    public void Check(FileMetaData? metadata, long length)
    {
        foreach (var (index, group) in (metadata?.RowGroups ?? []).Index())
        {
            if (group.NumRows is < 0 or > MostRows)
                throw Wrong($"row group {index} is said to have {group.NumRows:N0} rows, expected 0 to {MostRows:N0}");
            foreach (var column in group.Columns.Select(column => column.MetaData).OfType<ColumnMetaData>())
            {
                var name = Message.Name(string.Join('.', column.PathInSchema));
                var start = StartOf(column);
                if (start < 0 || column.DataPageOffset < 0 || column.TotalCompressedSize < 0 || start > length - column.TotalCompressedSize)
                    throw Wrong($"the column {name} of row group {index} is said to lie at bytes {start:N0} to {start + (decimal)column.TotalCompressedSize:N0}, and the file has {length:N0}");
                if (column.NumValues < 0)
                    throw Wrong($"the column {name} of row group {index} is said to have {column.NumValues:N0} values");
            }
        }

        if (metadata is not null && metadata.RowGroups.Sum(group => (decimal)group.NumRows) is var rows && rows != metadata.NumRows)
            throw Wrong($"it is said to have {metadata.NumRows:N0} rows, and its row groups have {rows:N0}");
    }

    /// <summary>Where a column of a row group lies, and its bytes; nothing for one that is not there.</summary>
    public static (long Start, long Length) PlaceOf(RowGroup group, string name) =>
        group.Columns.Select(chunk => chunk.MetaData).OfType<ColumnMetaData>().FirstOrDefault(data => data.PathInSchema is [var only] && only == name) is { } column
            ? (StartOf(column), column.TotalCompressedSize)
            : default;

    private static long StartOf(ColumnMetaData column) => column.DictionaryPageOffset is > 0 and var dictionary ? Math.Min(dictionary, column.DataPageOffset) : column.DataPageOffset;

    private ControlNetException Wrong(string what) => new($"{path}: {what}. The file is damaged or cut off.");
}
