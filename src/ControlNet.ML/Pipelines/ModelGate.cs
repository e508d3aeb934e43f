namespace ControlNet.ML.Pipelines;

/// <summary>Lets one thread at a time use a model's networks. The thread that holds it may enter again.</summary>
internal sealed class ModelGate
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);
    private readonly Lock _lock = new();

    /// <summary>Waits for the networks.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Gives them back when disposed, on the same thread.</returns>
    public Use Enter(CancellationToken cancellationToken = default)
    {
        while (!_lock.TryEnter(Patience))
            cancellationToken.ThrowIfCancellationRequested();
        return new Use(_lock);
    }

    /// <summary>The networks in use.</summary>
    /// <param name="entered">What was entered.</param>
    public readonly struct Use(Lock entered) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => entered.Exit();
    }
}
