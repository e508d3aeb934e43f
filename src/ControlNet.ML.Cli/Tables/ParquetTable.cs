using System.Text;
using System.Text.Unicode;
using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A Parquet file. Only the requested columns of one row group at a time are in memory.</summary>
internal sealed class ParquetTable : TableReader
{
    private readonly ParquetGuard _guard;
    private readonly DataField[] _fields;
    private readonly TableColumn[] _columns;
    private readonly UnreadableColumn[] _unreadable;
    private readonly HashSet<int> _carriedAsBytes = [];
    private readonly long _rows;

    /// <param name="path">The file.</param>
    /// <param name="guard">Limits the time and memory of reading it.</param>
    /// <param name="withImages">Whether images, structures of bytes and path, are read: as two columns each.</param>
    public ParquetTable(string path, ParquetGuard guard, bool withImages = false)
        : base(path)
    {
        _guard = guard;
        using var file = new Source(path, guard);
        (_fields, _unreadable, _rows) = guard.Run("its schema", file.Length, () =>
        {
            var fields = file.Reader.Schema.Fields;
            var images = withImages ? fields.Where(field => ParquetImages.Parts(field).Any()).ToList() : [];
            DataField[] known = [.. fields.OfType<DataField>().Where(ParquetValues.Knows), .. images.SelectMany(ParquetImages.Parts)];
            return (
                known, (UnreadableColumn[])[.. fields.Except(known).Except(images).Select(Unread)],
                file.Reader.RowGroups.Sum(group => group.RowCount));
        });
        _columns = [.. _fields.Select(field => new TableColumn(ParquetImages.NameOf(field), ParquetValues.TypeOf(field)))];
        CsvFile.RequireDistinct(path, _columns.Select(column => column.Name));
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override IReadOnlyList<UnreadableColumn> Unreadable => _unreadable;

    public override IEnumerable<string> Remarks => _carriedAsBytes.Order().Select(column =>
        $"the text column {Message.Name(_columns[column].Name)} is not valid UTF-8: it is carried through as bytes.");

    public override DataField Field(int column) => _carriedAsBytes.Contains(column)
        ? new DataField(_columns[column].Name, typeof(byte[]), isNullable: true)
        : ParquetValues.Carried(_fields[column]);

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

    public override IReadOnlyList<UnreadableColumn> Check(
        IReadOnlyList<int> needed, IReadOnlyList<int> carried, CancellationToken cancellationToken)
    {
        using var file = new Source(Path, _guard);
        var first = 0L;
        Dictionary<int, UnreadableColumn> broken = [];
        for (var group = 0; group < file.Reader.RowGroupCount; group++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = (int)file.Reader.RowGroups[group].RowCount;
            foreach (var column in needed)
                CheckText(column, first, rows, Column(file, group, _fields[column]));
            foreach (var column in carried.Where(column => !broken.ContainsKey(column)))
            {
                try
                {
                    var values = Column(file, group, _fields[column]);
                    if (_columns[column].Type == typeof(string) && Enumerable.Range(0, rows).Any(row => values(row) is byte[]))
                        _carriedAsBytes.Add(column);
                }
                catch (ControlNetException e) when (e.InnerException is not null)
                {
                    // A read that does not end has no inner exception: its thread is still running, so the table is given up.
                    broken[column] = new UnreadableColumn(
                        _columns[column].Name, $"cannot be read ({e.InnerException.Message.TrimEnd('.')})");
                }
            }

            first += rows;
        }

        return [.. broken.OrderBy(one => one.Key).Select(one => one.Value)];
    }

    private void CheckText(int column, long first, int rows, Func<int, object?> values)
    {
        if (_columns[column].Type != typeof(byte[]) && _columns[column].Type != typeof(string))
            return;
        for (var row = 0; row < rows; row++)
        {
            if (values(row) is byte[] bytes && !Utf8.IsValid(bytes))
            {
                throw new ControlNetException(
                    $"{Path}: row {first + row}, column {Message.Name(_columns[column].Name)}: the value is not valid UTF-8, expected "
                        + $"text.");
            }
        }
    }

    private static UnreadableColumn Unread(Field field) =>
        new(field.Name, field is DataField { IsArray: false } ? "has an unsupported type" : "holds lists or structures");

    private (int Rows, Func<int, object?>[] Values) Group(Source file, int index, IReadOnlyList<int> columns)
    {
        var rows = (int)file.Reader.RowGroups[index].RowCount;
        return (rows, [.. columns.Select(column =>
        {
            var values = Column(file, index, _fields[column]);
            return _carriedAsBytes.Contains(column) ? row =>
                values(row) is string text ? Encoding.UTF8.GetBytes(text) : values(row) : values;
        })]);
    }

    private Func<int, object?> Column(Source file, int index, DataField field)
    {
        var (start, bytes) = ParquetGuard.PlaceOf(file.Reader.Metadata!.RowGroups[index], field.Path.ToList());
        return _guard.Run($"the column {Message.Name(ParquetImages.NameOf(field))} of row group {index}", bytes, () =>
        {
            ParquetFooter.CheckPages(file.Stream, start, bytes);
            using var group = file.Reader.OpenRowGroupReader(index);
            return ParquetImages.IsPart(field) ? ParquetImages.Read(group, field) : ParquetValues.Read(group, field);
        });
    }

    /// <summary>The open file, with a checked footer.</summary>
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
                    var reader = ParquetReader.CreateAsync(Stream, leaveStreamOpen: true).GetAwaiter().GetResult();
                    ParquetHalf.Mark(reader.Metadata);
                    return reader;
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
