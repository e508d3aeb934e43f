using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// What the transformers of this library share. They add columns row by row, lazily: nothing is computed before a row's value is
/// asked for, and then for a batch of rows. Rows do not depend on each other. They are saved with a model and come back with it in any
/// program that references this library, without being registered.
/// </summary>
public abstract class ModelTransformer : ITransformer, IDisposable
{
    private const string KindEntry = "Kind";

    // The names stand in saved models: they must never change.
    private static readonly Dictionary<string, Func<IHostEnvironment, ModelReader, ModelTransformer>> Kinds = new()
    {
        [ConditionTransformer.Kind] = ConditionTransformer.Read,
        [GenerateTransformer.Kind] = GenerateTransformer.Read,
        [EncodeTextTransformer.Kind] = EncodeTextTransformer.Read,
        [EncodeConditionTransformer.Kind] = EncodeConditionTransformer.Read,
        [EncodeImageTransformer.Kind] = EncodeImageTransformer.Read,
        [DenoiseTransformer.Kind] = DenoiseTransformer.Read,
        [DecodeImageTransformer.Kind] = DecodeImageTransformer.Read,
    };

    private readonly IHost _host;
    private readonly string _kind;
    private bool _disposed;
    private long _rows;

    private protected ModelTransformer(IHostEnvironment environment, string kind, ComponentColumns columns, ComponentOptions options)
    {
        _host = environment.Register(GetType().Name);
        _kind = kind;
        (Columns, Options) = (columns, options);
    }

    /// <summary>The columns read and added.</summary>
    internal ComponentColumns Columns { get; }

    /// <summary>Batches, failures, cancellation.</summary>
    internal ComponentOptions Options { get; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The schema after <see cref="Transform"/>.</summary>
    /// <param name="inputSchema">The schema before.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new RowMapper(this, inputSchema).OutputSchema;

    /// <summary>The data with columns added. Nothing is computed yet.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchingView(new RowMapper(this, input.Schema), input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowMapper(this, inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => MlNetAccess.Save(ctx, writer =>
    {
        writer.Json(KindEntry, _kind);
        Write(writer);
    });

    /// <summary>Frees what the transformer holds. Rows can be read no more. ML.NET's prediction engines do this unless told not to.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Brings back what was saved.</summary>
    /// <exception cref="ControlNetException">An entry is missing or damaged, or asks for what is not there or cannot be; it has no inner one.</exception>
    internal static ModelTransformer Load(IHostEnvironment environment, ModelReader reader)
    {
        var entry = KindEntry;
        try
        {
            var kind = reader.Json<string>(KindEntry);
            if (!Kinds.TryGetValue(kind, out var load))
                throw new ControlNetException($"The model holds a component of the kind {Message.Name(kind)}, which this version does not know, expected {Message.Choice([.. Kinds.Keys])}.");
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

    /// <summary>Throws if a row has failed and the run may not go on without it, here or in a component before.</summary>
    internal void Check(RowBatch batch, int row, DataViewRowId id)
    {
        if (batch.Failure(row) is not { } failure)
            return;
        if (failure is RowFailedException)
            ExceptionDispatchInfo.Throw(failure);
        if (Options.Strict)
            throw new RowFailedException(Describe(failure.Message, id), failure);
    }

    /// <summary>Frees what the transformer holds.</summary>
    /// <param name="disposing">Always true: there is no finaliser.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Throws if the reading of rows is to stop.</summary>
    private protected void ThrowIfCancelled()
    {
        Options.CancellationToken.ThrowIfCancellationRequested();
        if (MlNetAccess.IsCancelled(_host))
            throw new OperationCanceledException("Operation was canceled.");
    }

    /// <summary>Sets the outputs from the inputs. Called from several threads at a time.</summary>
    private protected abstract void Compute(RowBatch batch);

    /// <summary>Writes what is needed to bring the transformer back.</summary>
    private protected abstract void Write(ModelWriter writer);

    // Whoever does not read the error column can still find out.
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
