using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A Parquet file, of which one row group at a time is in memory, and of that only the columns that are asked for.</summary>
internal sealed class ParquetTable : TableReader
{
    private readonly ParquetGuard _guard;
    private readonly DataField[] _fields;
    private readonly TableColumn[] _columns;
    private readonly string[] _unreadable;
    private readonly long _rows;

    /// <param name="path">The file.</param>
    /// <param name="guard">Bounds what reading it may take.</param>
    public ParquetTable(string path, ParquetGuard guard)
        : base(path)
    {
        _guard = guard;
        using var file = new Source(path, guard);
        (_fields, _unreadable, _rows) = guard.Run("its schema", file.Length, () =>
        {
            var fields = file.Reader.Schema.Fields;
            DataField[] known = [.. fields.OfType<DataField>().Where(ParquetValues.Knows)];
            return (known, (string[])[.. fields.Select(field => field.Name).Except(known.Select(field => field.Name))], file.Reader.RowGroups.Sum(group => group.RowCount));
        });
        _columns = [.. _fields.Select(field => new TableColumn(field.Name, ParquetValues.TypeOf(field)))];
        CheckNames(path, _columns);
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override IReadOnlyList<string> Unreadable => _unreadable;

    public override DataField Field(int column) => _fields[column] switch
    {
        DecimalDataField d => new DecimalDataField(d.Name, d.Precision, d.Scale, d.ForceByteArrayEncoding, isNullable: true),
        DateTimeDataField d => new DateTimeDataField(d.Name, d.DateTimeFormat, d.IsAdjustedToUTC, d.Unit, isNullable: true),
        var other => new DataField(other.Name, other.ClrType, isNullable: true),
    };

    public override long CountRows(CancellationToken cancellationToken) => _rows;

    public override IEnumerable<TableRow> Read(IReadOnlyList<int> columns)
    {
        using var file = new Source(Path, _guard);
        var number = 0L;
        for (var group = 0; group < file.Reader.RowGroupCount; group++)
        {
            var (rows, values) = Group(file, group, columns);
            for (var row = 0; row < rows; row++)
                yield return new TableRow(number++, [.. values.Select(column => column(row))]);
        }
    }

    private (int Rows, Func<int, object?>[] Values) Group(Source file, int index, IReadOnlyList<int> columns)
    {
        var rows = (int)file.Reader.RowGroups[index].RowCount;
        return (rows, [.. columns.Select(column => Column(file, index, _fields[column]))]);
    }

    private Func<int, object?> Column(Source file, int index, DataField field)
    {
        var (start, bytes) = ParquetGuard.PlaceOf(file.Reader.Metadata!.RowGroups[index], field.Name);
        return _guard.Run($"the column {Message.Name(field.Name)} of row group {index}", bytes, () =>
        {
            ParquetFooter.CheckPages(file.Stream, start, bytes);
            using var group = file.Reader.OpenRowGroupReader(index);
            return ParquetValues.Read(group, field);
        });
    }

    /// <summary>The open file, whose footer makes claims that can be true.</summary>
    private sealed class Source : IDisposable
    {
        public Source(string path, ParquetGuard guard)
        {
            Stream = RegularFile.Open(path, path);
            try
            {
                Length = Stream.Length;
                Reader = guard.Run("its footer", Length, () =>
                {
                    ParquetFooter.Check(Stream);
                    return ParquetReader.CreateAsync(Stream, leaveStreamOpen: true).GetAwaiter().GetResult();
                });
                guard.Check(Reader.Metadata, Length);
            }
            catch
            {
                Stream.Dispose();
                throw;
            }
        }

        public FileStream Stream { get; }

        public ParquetReader Reader { get; }

        public long Length { get; }

        public void Dispose()
        {
            Reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Stream.Dispose();
        }
    }
}
