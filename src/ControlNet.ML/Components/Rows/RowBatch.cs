using System.Runtime.ExceptionServices;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>A batch of rows in a component: its input columns, its output columns, and which rows have failed.</summary>
/// <param name="columns">The input columns.</param>
/// <param name="inputs">The buffers of the input columns.</param>
/// <param name="earlierErrors">The errors of earlier components, or null.</param>
/// <param name="outputs">The buffers of the output columns; the error column, if there is one, is the last.</param>
/// <param name="capacity">The maximum number of rows.</param>
internal sealed class RowBatch(
    IReadOnlyList<DataViewSchema.Column> columns,
    ColumnBuffer[] inputs,
    ColumnBuffer<ReadOnlyMemory<char>>? earlierErrors,
    ColumnBuffer[] outputs,
    int capacity) : IDisposable
{
    private readonly Exception?[] _failures = new Exception?[capacity];
    private readonly List<(int Row, string Text)> _warnings = [];

    /// <summary>Warnings about rows that did not fail.</summary>
    public IReadOnlyList<(int Row, string Text)> Warnings => _warnings;

    /// <summary>How many rows there are.</summary>
    public int Count { get; private set; }

    /// <summary>The values of an input column. Failed rows have missing values.</summary>
    public ReadOnlySpan<T> Input<T>(int column) => ((ColumnBuffer<T>)inputs[column]).Items.AsSpan(0, Count)!;

    /// <summary>The values of an output column, to be set; those of failed rows are discarded.</summary>
    public Span<T?> Output<T>(int column) => ((ColumnBuffer<T>)outputs[column]).Items.AsSpan(0, Count);

    /// <summary>The buffer of an output column.</summary>
    public ColumnBuffer OutputBuffer(int column) => outputs[column];

    /// <summary>An image of an input column. The batch keeps ownership.</summary>
    /// <exception cref="ControlNetException">There is none.</exception>
    public MLImage Image(int column, int row) =>
        Input<MLImage?>(column)[row] ?? throw new ControlNetException($"There is no image in column '{columns[column].Name}'.");

    /// <summary>An image of an input column of images, or of image files, which keep their bit depth.</summary>
    /// <exception cref="ControlNetException">There is none, or it is damaged or too large.</exception>
    public ImageBuffer ImageOrFile(int column, int row)
    {
        if (columns[column].Type is not VectorDataViewType)
            return Image(column, row).ToImageBuffer();
        var file = Input<VBuffer<byte>>(column)[row].DenseValues().ToArray();
        return ImageCodec.Decode(file, $"The file in column '{columns[column].Name}'");
    }

    /// <summary>A text of an input column.</summary>
    public string Text(int column, int row) => Input<ReadOnlyMemory<char>>(column)[row].ToString();

    /// <summary>A number of an input column, of any numeric type.</summary>
    public object Number(int column, int row) => inputs[column].Value(row)!;

    /// <summary>All values of a vector of an input column.</summary>
    /// <exception cref="ControlNetException">
    /// Its length differs from its column's, or a value is not finite, as in the vectors of failed rows.
    /// </exception>
    public float[] Vector(int column, int row)
    {
        var values = Input<VBuffer<float>>(column)[row].DenseValues().ToArray();
        var length = ((VectorDataViewType)columns[column].Type).Size;
        if (values.Length != length)
            throw new ControlNetException($"Column '{columns[column].Name}' has {values.Length:N0} values, expected {length:N0}.");
        return Array.Exists(values, value => !float.IsFinite(value))
            ? throw new ControlNetException($"Column '{columns[column].Name}' has values that are not finite, expected finite numbers.")
            : values;
    }

    /// <summary>An input column.</summary>
    public DataViewSchema.Column Column(int column) => columns[column];

    /// <summary>Adds a warning about a row.</summary>
    public void Warn(int row, string text) => _warnings.Add((row, text));

    /// <summary>Processes every row that has not failed, one after the other. A <see cref="ControlNetException"/> fails its row.</summary>
    public void ForEachRowInTurn(Action<int> compute)
    {
        foreach (var row in Enumerable.Range(0, Count))
            Attempt(row, () => compute(row));
    }

    /// <summary>Fails a row, unless it has already failed.</summary>
    public void Fail(int row, Exception failure) => _failures[row] ??= failure;

    /// <summary>Processes a row unless it has failed. A <see cref="ControlNetException"/> fails it.</summary>
    public void Attempt(int row, Action compute)
    {
        if (_failures[row] is not null)
            return;
        try
        {
            compute();
        }
        catch (ControlNetException error)
        {
            _failures[row] = error;
        }
    }

    /// <summary>
    /// Processes the rows that have not failed, in parallel. A <see cref="ControlNetException"/> fails its row; any other exception is a
    /// bug and is rethrown.
    /// </summary>
    public void ForEachRow(Action<int> compute, CancellationToken cancellation)
    {
        var mistakes = new Exception?[Count];
        if (Count == 1)
            Try(0);
        else
            Parallel.For(0, Count, new ParallelOptions { CancellationToken = cancellation }, Try);
        if (mistakes.FirstOrDefault(mistake => mistake is not null) is { } first)
            ExceptionDispatchInfo.Throw(first);

        void Try(int row)
        {
            if (_failures[row] is not null)
                return;
            try
            {
                cancellation.ThrowIfCancellationRequested();
                compute(row);
            }
            catch (ControlNetException error)
            {
                _failures[row] = error;
            }
            catch (Exception error)
            {
                mistakes[row] = error;
            }
        }
    }

    /// <summary>Why a row failed, or null.</summary>
    public Exception? Failure(int row) => _failures[row];

    /// <summary>Starts with the rows in the input buffers; rows that cannot be read fail at once.</summary>
    public void Begin(int count)
    {
        Count = count;
        _warnings.Clear();
        for (var row = 0; row < count; row++)
        {
            foreach (var output in outputs)
                output.Clear(row);
            var earlier = earlierErrors is null || earlierErrors.Error(row) is not null ? default : earlierErrors.Items[row];
            _failures[row] = earlier.IsEmpty ? Unreadable(row) : new EarlierFailure(earlier.ToString());
        }
    }

    /// <summary>Sets the outputs of failed rows to missing values, and their errors.</summary>
    public void End(bool hasErrors)
    {
        for (var row = 0; row < Count; row++)
        {
            if (_failures[row] is not { } failure)
                continue;
            foreach (var output in outputs)
                output.SetMissing(row);
            if (hasErrors)
                Output<ReadOnlyMemory<char>>(outputs.Length - 1)[row] = failure.Message.AsMemory();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in inputs.Concat(outputs))
            buffer.Dispose();
    }

    private Exception? Unreadable(int row)
    {
        for (var column = 0; column < inputs.Length; column++)
        {
            if (inputs[column].Error(row) is { } error)
                return error is RowFailedException
                    ? error
                    : new ControlNetException($"Column '{columns[column].Name}' cannot be read: {error.Message}", error);
        }

        return null;
    }
}
