using ControlNet.ML.Cli.Tables;
using nietras.SeparatedValues;
using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Writes results row by row, in constant memory.</summary>
internal abstract class ResultWriter : IDisposable
{
    /// <summary>The formats by name.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["parquet", "csv"];

    /// <summary>Begins a file.</summary>
    /// <param name="format">parquet or csv.</param>
    /// <param name="stream">The stream to write to; it is left open.</param>
    /// <param name="fields">The columns.</param>
    /// <param name="rowsInGroup">Rows in a Parquet row group, which is held in memory.</param>
    public static ResultWriter Create(string format, Stream stream, IReadOnlyList<DataField> fields, int rowsInGroup) =>
        format == "csv" ? new Csv(stream, fields) : new ParquetFile(stream, fields, rowsInGroup);

    /// <summary>Writes a row, with a value for each column.</summary>
    public abstract void Write(IReadOnlyList<object?> values);

    /// <summary>Writes the remaining rows; without it the file is incomplete.</summary>
    public abstract void Finish();

    public abstract void Dispose();

    private sealed class Csv : ResultWriter
    {
        private readonly StreamWriter _text;
        private readonly SepWriter _writer;
        private readonly string[] _names;

        public Csv(Stream stream, IReadOnlyList<DataField> fields)
        {
            _names = [.. fields.Select(field => field.Name)];
            _text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            _writer = Sep.New(',').Writer(options => options with { Escape = true }).To(_text);
            _writer.Header.Add(_names);
            _writer.Header.Write();
        }

        public override void Write(IReadOnlyList<object?> values)
        {
            using var row = _writer.NewRow();
            for (var i = 0; i < _names.Length; i++)
                row[_names[i]].Set(ResultColumns.Text(values[i]));
        }

        public override void Finish()
        {
            _writer.Flush();
            _text.Flush();
        }

        public override void Dispose() => _writer.Dispose();
    }

    private sealed class ParquetFile : ResultWriter
    {
        private readonly ParquetWriter _writer;
        private readonly List<object?>[] _columns;
        private readonly IReadOnlyList<DataField> _fields;
        private readonly int _rowsInGroup;

        public ParquetFile(Stream stream, IReadOnlyList<DataField> fields, int rowsInGroup)
        {
            (_fields, _rowsInGroup, _columns) = (fields, rowsInGroup, [.. fields.Select(_ => new List<object?>())]);
            _writer = ParquetWriter.CreateAsync(new ParquetSchema(fields), stream).GetAwaiter().GetResult();
        }

        public override void Write(IReadOnlyList<object?> values)
        {
            for (var i = 0; i < _columns.Length; i++)
                _columns[i].Add(values[i]);
            if (_columns[0].Count == _rowsInGroup)
                WriteGroup();
        }

        public override void Finish()
        {
            if (_columns[0].Count > 0)
                WriteGroup();
        }

        public override void Dispose() => _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();

        private void WriteGroup()
        {
            using var group = _writer.CreateRowGroup();
            foreach (var (field, values) in _fields.Zip(_columns))
            {
                ParquetValues.Write(group, field, values);
                values.Clear();
            }
        }
    }
}
