using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>
/// Reads the source a batch of rows ahead and buffers the active columns, so that a component processes the whole batch when the first of
/// its values is read, while every row still returns its own values. If none of the component's columns is active, it passes through to the
/// source.
/// </summary>
internal sealed class BatchingCursor : DataViewRowCursor, IGivesImagesAway
{
    private readonly RowMapper _mapper;
    private readonly DataViewRowCursor _source;
    private readonly RowMapper.ActiveColumns _active;
    private readonly ColumnBuffer?[] _passed;
    private readonly List<ColumnBuffer> _reading = [];
    private readonly RowBatch? _batch;
    private readonly DataViewRowId[] _ids = [];
    private readonly long[] _batches = [];
    private readonly ValueGetter<DataViewRowId>? _idGetter;
    private ExceptionDispatchInfo? _fault;
    private long _position = -1;
    private int _slot = -1;
    private int _count;
    private bool _sourceEnded;
    private bool _computed;
    private bool _disposed;

    public BatchingCursor(RowMapper mapper, DataViewRowCursor source, RowMapper.ActiveColumns active)
    {
        (_mapper, _source, _active) = (mapper, source, active);
        _passed = new ColumnBuffer?[mapper.InputSchema.Count];
        if (!active.AnyOutput)
            return;
        var capacity = mapper.Owner.Options.BatchSize;
        (_ids, _batches, _idGetter) = (new DataViewRowId[capacity], new long[capacity], source.GetIdGetter());
        foreach (var column in mapper.InputSchema.Where(column => active[column]))
        {
            var buffer = ColumnBuffer.Create(column.Type, capacity);
            buffer.Attach(source, column);
            _reading.Add(buffer);
            _passed[column.Index] = buffer;
        }

        _batch = mapper.CreateBatch(source, capacity, _passed, _reading);
    }

    public override DataViewSchema Schema => _mapper.OutputSchema;

    public override long Position => _batch is null ? _source.Position : _position;

    public override long Batch => _batch is null ? _source.Batch : _slot >= 0 && _slot < _count ? _batches[_slot] : 0;

    /// <summary>The buffer of a column, cast to the type of its values.</summary>
    public static ColumnBuffer<T> Typed<T>(ColumnBuffer buffer, DataViewSchema.Column column) =>
        buffer as ColumnBuffer<T> ?? throw new InvalidOperationException(
            $"Invalid TValue in GetGetter: '{typeof(T)}', column '{column.Name}' is of type {column.Type}.");

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column];

    public bool GivesAway(DataViewSchema.Column column) =>
        _batch is not null || (_source is IGivesImagesAway giver && giver.GivesAway(_mapper.InputSchema[column.Index]));

    public override bool MoveNext()
    {
        if (_batch is null)
            return _source.MoveNext();
        if (_disposed)
            return false;
        if (++_slot >= _count && !ReadAhead())
        {
            Dispose();
            return false;
        }

        _position++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter()
    {
        if (_batch is null)
            return _source.GetIdGetter();
        return (ref DataViewRowId value) =>
        {
            CheckRow();
            value = _ids[_slot];
        };
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        _active.Check(column);
        if (_batch is null)
            return _source.GetGetter<TValue>(_mapper.InputSchema[column.Index]);
        if (_active.IsPassed(column))
        {
            var passed = Typed<TValue>(_passed[column.Index]!, column);
            return (ref TValue value) =>
            {
                CheckRow();
                passed.Check(_slot);
                passed.Copy(_slot, ref value);
            };
        }

        var made = Typed<TValue>(_batch.OutputBuffer(column.Index - _passed.Length), column);
        return (ref TValue value) =>
        {
            CheckRow();
            Compute();
            _mapper.Owner.Check(_batch, _slot, _ids[_slot]);
            made.Copy(_slot, ref value);
        };
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        (_disposed, _position) = (true, -1);
        if (disposing)
        {
            foreach (var buffer in _reading)
                buffer.Dispose();
            _batch?.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool ReadAhead()
    {
        (_slot, _count, _computed) = (0, 0, false);
        _fault?.Throw();
        while (_count < _ids.Length && !_sourceEnded)
        {
            try
            {
                _sourceEnded = !_source.MoveNext();
            }
            catch (Exception error) when (_count > 0)
            {
                // The rows before the failure are still valid.
                _fault = ExceptionDispatchInfo.Capture(error);
                break;
            }

            if (_sourceEnded)
                break;
            foreach (var buffer in _reading)
                buffer.Fill(_count);
            _idGetter!(ref _ids[_count]);
            _batches[_count++] = _source.Batch;
        }

        return _count > 0;
    }

    private void Compute()
    {
        if (_computed)
            return;
        _mapper.Owner.Run(_batch!, _ids.AsSpan(0, _count));
        _computed = true;
    }

    private void CheckRow()
    {
        if (_slot < 0 || _disposed)
            throw new InvalidOperationException("The cursor is not on a row.");
    }
}
