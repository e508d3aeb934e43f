namespace ControlNet.ML.Components;

/// <summary>A row failed, and <see cref="ComponentOptions.Strict"/> makes failures throw.</summary>
public sealed class RowFailedException : ControlNetException
{
    internal RowFailedException(string message, Exception? innerException)
        : base(message, innerException!)
    {
    }
}
