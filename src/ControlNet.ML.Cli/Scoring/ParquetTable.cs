using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A Parquet file, of which one row group at a time is in memory, and of that only the columns that are asked for.</summary>
internal sealed class ParquetTable : TableReader
{
    private readonly DataField[] _fields;
    private readonly TableColumn[] _columns;
    private readonly string[] _unreadable;
    private readonly long _rows;

    public ParquetTable(string path)
        : base(path)
    {
        using var file = new Source(path);
        var fields = file.Reader.Schema.Fields;
        _fields = [.. fields.OfType<DataField>().Where(ParquetValues.Knows)];
        _columns = [.. _fields.Select(field => new TableColumn(field.Name, ParquetValues.TypeOf(field)))];
        _unreadable = [.. fields.Select(field => field.Name).Except(_fields.Select(field => field.Name))];
        _rows = file.Reader.RowGroups.Sum(group => group.RowCount);
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
        using var file = new Source(Path);
        var number = 0L;
        for (var group = 0; group < file.Reader.RowGroupCount; group++)
        {
            var (rows, values) = Group(file.Reader, group, columns);
            for (var row = 0; row < rows; row++)
                yield return new TableRow(number++, [.. values.Select(column => column(row))]);
        }
    }

    private (int Rows, Func<int, object?>[] Values) Group(ParquetReader reader, int index, IReadOnlyList<int> columns)
    {
        try
        {
            using var group = reader.OpenRowGroupReader(index);
            return (checked((int)group.RowCount), [.. columns.Select(column => ParquetValues.Read(group, _fields[column]))]);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new ControlNetException($"{Path}: row group {index} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The open file.</summary>
    private sealed class Source : IDisposable
    {
        private readonly FileStream _stream;

        public Source(string path)
        {
            _stream = File.OpenRead(path);
            try
            {
                Reader = ParquetReader.CreateAsync(_stream, leaveStreamOpen: true).GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                _stream.Dispose();
                throw new ControlNetException($"{path} cannot be read as Parquet: {e.Message}", e);
            }
        }

        public ParquetReader Reader { get; }

        public void Dispose()
        {
            Reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _stream.Dispose();
        }
    }
}
