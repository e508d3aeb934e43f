using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// Base class of the transformers that run networks. A loaded transformer owns its networks, and closes them when it is disposed.
/// </summary>
public abstract class NetworkTransformer : ModelTransformer
{
    private readonly NetworkStage _stage;
    private readonly IReadOnlyList<IDisposable> _handles;

    // Networks are not thread-safe, and must not be released while they run.
    private readonly Lock _running = new();
    private bool _released;

    private protected NetworkTransformer(IHostEnvironment environment, string kind, NetworkStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, kind, stage.Columns, stage.Options) => (_stage, _handles) = (stage, handles);

    private protected override void Compute(RowBatch batch)
    {
        lock (_running)
        {
            ObjectDisposedException.ThrowIf(_released, this);
            _stage.Compute(batch, ThrowIfCancelled);
        }
    }

    private protected override void Write(ModelWriter writer) => _stage.Write(writer);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_running)
        {
            _released = true;
            foreach (var handle in _handles)
                handle.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A component that runs networks, with all its settings, validated.</summary>
/// <param name="options">Batches, failures, cancellation.</param>
internal abstract class NetworkStage(ComponentOptions options)
{
    /// <summary>The entry of a saved model that holds the settings.</summary>
    public const string SettingsEntry = "Settings";

    /// <summary>Batches, failures, cancellation.</summary>
    public ComponentOptions Options => options;

    /// <summary>The columns read and added.</summary>
    public abstract ComponentColumns Columns { get; }

    /// <summary>Computes the outputs from the inputs.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="stepping">Called often; throws if the reading of rows is cancelled.</param>
    public abstract void Compute(RowBatch batch, Action stepping);

    /// <summary>Writes what is needed to restore the component.</summary>
    public abstract void Write(ModelWriter writer);
}
