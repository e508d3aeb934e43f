namespace ControlNet.ML.Pipelines;

/// <summary>Lets one thread at a time use a model's networks. The thread that holds the gate may enter again.</summary>
internal sealed class ModelGate
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);
    private readonly Lock _lock = new();

    /// <summary>Waits for the networks.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Releases them when disposed, which must be on the same thread.</returns>
    public Use Enter(CancellationToken cancellationToken = default)
    {
        while (!_lock.TryEnter(Patience))
            cancellationToken.ThrowIfCancellationRequested();
        SignalStack.MakeRoom();
        return new Use(_lock);
    }

    /// <summary>A hold on the networks.</summary>
    /// <param name="entered">The gate's lock.</param>
    public readonly struct Use(Lock entered) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => entered.Exit();
    }
}
