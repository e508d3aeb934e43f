using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// Base class of this library's transformers. They add columns row by row, lazily: nothing is computed until a row's value is read, and
/// then for a batch of rows. Rows do not depend on each other. A saved model restores them in any program that references this library,
/// without registration.
/// </summary>
public abstract class ModelTransformer : ITransformer, IDisposable
{
    private const string LoadNameEntry = "Kind";

    // Saved models contain these names: they must never change.
    private static readonly Dictionary<string, Func<IHostEnvironment, ModelReader, ModelTransformer>> Loaders = new()
    {
        [ConditionTransformer.LoadName] = ConditionTransformer.Read,
        [GenerateTransformer.LoadName] = GenerateTransformer.Read,
        [EncodeTextTransformer.LoadName] = EncodeTextTransformer.Read,
        [EncodeConditionTransformer.LoadName] = EncodeConditionTransformer.Read,
        [EncodeImageTransformer.LoadName] = EncodeImageTransformer.Read,
        [DenoiseTransformer.LoadName] = DenoiseTransformer.Read,
        [DecodeImageTransformer.LoadName] = DecodeImageTransformer.Read,
        [FidelityTransformer.LoadName] = FidelityTransformer.Read,
    };

    private readonly IHost _host;
    private readonly string _loadName;
    private bool _disposed;
    private long _rows;

    private protected ModelTransformer(IHostEnvironment environment, string loadName, ComponentColumns columns, ComponentOptions options)
    {
        _host = environment.Register(GetType().Name);
        _loadName = loadName;
        (Columns, Options) = (columns, options);
    }

    /// <summary>The columns read and added.</summary>
    internal ComponentColumns Columns { get; }

    /// <summary>Batches, failures, cancellation.</summary>
    internal ComponentOptions Options { get; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The schema after <see cref="Transform"/>.</summary>
    /// <param name="inputSchema">The schema before.</param>
    /// <returns>The schema of the input, with the added columns.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new RowMapper(this, inputSchema).OutputSchema;

    /// <summary>The data with columns added. Nothing is computed yet.</summary>
    /// <param name="input">The data.</param>
    /// <returns>A lazy view of the input with the added columns.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchingView(new RowMapper(this, input.Schema), input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowMapper(this, inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => MlNetAccess.Save(ctx, writer =>
    {
        writer.Json(LoadNameEntry, _loadName);
        Write(writer);
    });

    /// <summary>
    /// Frees the resources of the transformer, after which rows can no longer be read. ML.NET's prediction engines call this unless told
    /// not to.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Restores a saved transformer.</summary>
    /// <exception cref="ControlNetException">
    /// An entry is missing, damaged or invalid, or needs something that is missing. The exception has no inner exception.
    /// </exception>
    internal static ModelTransformer Load(IHostEnvironment environment, ModelReader reader)
    {
        var entry = LoadNameEntry;
        try
        {
            var name = reader.Json<string>(LoadNameEntry);
            if (!Loaders.TryGetValue(name, out var load))
                throw new ControlNetException(
                    $"The model contains a component named {Message.Name(name)}, which this version does not know, "
                        + $"expected {Message.Choice([.. Loaders.Keys])}.");
            entry = NetworkStage.SettingsEntry;
            return load(environment, reader);
        }
        catch (Exception error) when (error is not (OutOfMemoryException or OperationCanceledException))
        {
            throw reader.Refusal(error, entry);
        }
    }

    /// <summary>Computes a batch.</summary>
    internal void Run(RowBatch batch, ReadOnlySpan<DataViewRowId> ids)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfCancelled();
        batch.Begin(ids.Length);
        Compute(batch);
        batch.End(Columns.HasErrors);
        Warn(batch, ids);
        Options.Progress?.Report(Interlocked.Add(ref _rows, ids.Length));
    }

    /// <summary>Throws if a row has failed, here or in an earlier component, and the run may not continue without it.</summary>
    internal void Check(RowBatch batch, int row, DataViewRowId id)
    {
        if (batch.Failure(row) is not { } failure)
            return;
        if (failure is RowFailedException)
            ExceptionDispatchInfo.Throw(failure);
        if (Options.Strict)
            throw new RowFailedException(Describe(failure.Message, id), failure);
    }

    /// <summary>Frees the resources of the transformer.</summary>
    /// <param name="disposing">Always true: there is no finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Throws if the reading of rows is cancelled.</summary>
    private protected void ThrowIfCancelled()
    {
        Options.CancellationToken.ThrowIfCancellationRequested();
        if (MlNetAccess.IsCancelled(_host))
            throw new OperationCanceledException("Operation was canceled.");
    }

    /// <summary>Computes the outputs from the inputs. Called from several threads at the same time.</summary>
    private protected abstract void Compute(RowBatch batch);

    /// <summary>Writes what is needed to restore the transformer.</summary>
    private protected abstract void Write(ModelWriter writer);

    // Warnings, for programs that do not read the error column.
    private void Warn(RowBatch batch, ReadOnlySpan<DataViewRowId> ids)
    {
        IChannel? channel = null;
        for (var row = 0; row < ids.Length; row++)
        {
            if (batch.Failure(row) is null or EarlierFailure or RowFailedException || Options.Strict)
                continue;
            channel ??= _host.Start("Transform");
            channel.Warning(MessageSensitivity.UserData, "{0}", Describe(batch.Failure(row)!.Message, ids[row]));
        }

        foreach (var (row, text) in batch.Warnings)
        {
            channel ??= _host.Start("Transform");
            channel.Warning(MessageSensitivity.UserData, "{0}", Describe(text, ids[row]));
        }

        channel?.Dispose();
    }

    private string Describe(string text, DataViewRowId id)
    {
        var row = id.High == 0 ? $"{id.Low}" : $"{id.High}:{id.Low}";
        return $"Row {row}, column {Message.Name(Columns.OutputName)}: {text}";
    }
}
