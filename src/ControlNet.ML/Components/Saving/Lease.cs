namespace ControlNet.ML.Components;

/// <summary>A model or network that a component may use until it gives it back.</summary>
/// <param name="value">The model or network.</param>
/// <param name="giveBack">What to do then.</param>
internal sealed class Lease<T>(T value, Action giveBack) : IDisposable
{
    private Action? _giveBack = giveBack;

    /// <summary>The model or network.</summary>
    public T Value => value;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
