namespace ControlNet.ML.Torch.Training;

/// <summary>The state of a run after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Total number of steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs done, with the fraction of the current one.</summary>
    public double Epoch { get; init; }

    /// <summary>Loss of the step.</summary>
    public double Loss { get; init; }

    /// <summary>Mean loss of the last 100 steps since the run was started or resumed.</summary>
    public double MeanLoss { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Gradient norm before clipping.</summary>
    public double GradientNorm { get; init; }

    /// <summary>Duration of the step in seconds, including encoding, without validation.</summary>
    public double Seconds { get; init; }

    /// <summary>Number of encoder runs for the step: 0 if everything was cached.</summary>
    public long EncoderRuns { get; init; }

    /// <summary>Peak physical memory of the process in bytes.</summary>
    public long PeakBytes { get; init; }

    /// <summary>The last validation; null before the first.</summary>
    public ConvergenceReading? Convergence { get; init; }

    /// <summary>A failure that did not end the run, such as a checkpoint for which the disk was too full; null if there was none.</summary>
    public string? Warning { get; init; }
}

/// <summary>
/// Whether the network follows its condition: the loss of held-out rows, with fixed noise and timesteps, with their own conditions and with
/// those of the next row. The two are equal until the network uses its condition, and then diverge (the paper's sudden convergence).
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Mean loss with the right conditions.</param>
/// <param name="ExchangedLoss">Mean loss with exchanged conditions.</param>
public sealed record ConvergenceReading(long Step, double Loss, double ExchangedLoss)
{
    /// <summary>Relative increase of the loss with exchanged conditions; 0 if the condition has no effect.</summary>
    public double Gap => Loss > 0 ? (ExchangedLoss - Loss) / Loss : 0;

    /// <summary>
    /// Whether the gap has opened, to at least 5 %: before, it is a few tenths of a percent; soon after, tens of percent
    /// (<c>docs/training/README.md</c>).
    /// </summary>
    public bool FollowsCondition => Gap >= 0.05;
}
