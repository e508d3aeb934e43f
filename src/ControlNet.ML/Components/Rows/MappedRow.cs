using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>One row with a component's columns, computed when the first of them is read.</summary>
internal sealed class MappedRow : DataViewRow, IGivesImagesAway
{
    private readonly RowMapper _mapper;
    private readonly DataViewRow _input;
    private readonly RowMapper.ActiveColumns _active;
    private readonly List<ColumnBuffer> _reading = [];
    private readonly RowBatch? _batch;
    private readonly ValueGetter<DataViewRowId>? _idGetter;
    private readonly DataViewRowId[] _id = new DataViewRowId[1];
    private long _computed = -1;
    private bool _disposed;

    public MappedRow(RowMapper mapper, DataViewRow input, RowMapper.ActiveColumns active)
    {
        (_mapper, _input, _active) = (mapper, input, active);
        if (!active.AnyOutput)
            return;
        _batch = mapper.CreateBatch(input, 1, new ColumnBuffer?[mapper.InputSchema.Count], _reading);
        _idGetter = input.GetIdGetter();
    }

    public override long Position => _input.Position;

    public override long Batch => _input.Batch;

    public override DataViewSchema Schema => _mapper.OutputSchema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column];

    public bool GivesAway(DataViewSchema.Column column) =>
        !_active.IsPassed(column) || (_input is IGivesImagesAway giver && giver.GivesAway(_mapper.InputSchema[column.Index]));

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        _active.Check(column);
        if (_active.IsPassed(column))
            return _input.GetGetter<TValue>(_mapper.InputSchema[column.Index]);
        var buffer = BatchingCursor.Typed<TValue>(_batch!.OutputBuffer(column.Index - _mapper.InputSchema.Count), column);
        return (ref TValue value) =>
        {
            Compute();
            _mapper.Owner.Check(_batch, 0, _id[0]);
            buffer.Copy(0, ref value);
        };
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        if (disposing)
        {
            _batch?.Dispose();
            _input.Dispose();
        }

        base.Dispose(disposing);
    }

    // A row without a position may have moved since the last call.
    private void Compute()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_computed == _input.Position && _computed >= 0)
            return;
        foreach (var buffer in _reading)
            buffer.Fill(0);
        _idGetter!(ref _id[0]);
        _computed = -1;
        _mapper.Owner.Run(_batch!, _id);
        _computed = _input.Position;
    }
}
