namespace ControlNet.ML.Components;

/// <summary>A row for which a component can make no value, where <see cref="ComponentOptions.Strict"/> forbids to go on without.</summary>
public sealed class RowFailedException : ControlNetException
{
    internal RowFailedException(string message, Exception? innerException)
        : base(message, innerException!)
    {
    }
}
