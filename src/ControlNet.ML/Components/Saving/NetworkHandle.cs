namespace ControlNet.ML.Components;

/// <summary>A model or network that several components share. It stays loaded until the last handle is disposed.</summary>
/// <param name="value">The model or network.</param>
/// <param name="release">Called when the handle is disposed.</param>
internal sealed class NetworkHandle<T>(T value, Action release) : IDisposable
{
    private Action? _release = release;

    /// <summary>The model or network.</summary>
    public T Value => value;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
