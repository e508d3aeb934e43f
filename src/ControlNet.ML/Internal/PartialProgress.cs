namespace ControlNet.ML.Internal;

/// <summary>Progress of a part of some work, as progress of the whole.</summary>
/// <param name="whole">The progress of the whole, from 0 to 1.</param>
/// <param name="start">Its value when the part begins.</param>
/// <param name="end">Its value when the part is done.</param>
internal sealed class PartialProgress(IProgress<double> whole, double start, double end) : IProgress<double>
{
    /// <summary>Whether anything was reported.</summary>
    public bool IsUsed { get; private set; }

    public void Report(double value)
    {
        IsUsed = true;
        whole.Report(start + (value * (end - start)));
    }
}
