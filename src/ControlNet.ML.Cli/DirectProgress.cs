namespace ControlNet.ML.Cli;

/// <summary>Progress reports on the calling thread: <see cref="Progress{T}"/> would report later, and out of order.</summary>
internal sealed class DirectProgress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
