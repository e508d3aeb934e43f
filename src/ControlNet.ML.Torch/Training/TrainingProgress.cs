namespace ControlNet.ML.Torch.Training;

/// <summary>How a run stands after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps in all.</summary>
    public required long Steps { get; init; }

    /// <summary>How often every row was seen, with its fraction.</summary>
    public double Epoch { get; init; }

    /// <summary>The step's loss.</summary>
    public double Loss { get; init; }

    /// <summary>The mean loss of the last 100 steps since the start or resume.</summary>
    public double MeanLoss { get; init; }

    /// <summary>The learning rate.</summary>
    public double LearningRate { get; init; }

    /// <summary>Length of the gradient before it was bounded.</summary>
    public double GradientNorm { get; init; }

    /// <summary>Seconds that the step took, encoding included, looks at held-out rows not.</summary>
    public double Seconds { get; init; }

    /// <summary>How often the base's encoders ran for it: 0 where the cache had everything.</summary>
    public long EncoderRuns { get; init; }

    /// <summary>Most physical memory that the process ever held, bytes.</summary>
    public long PeakBytes { get; init; }

    /// <summary>The last look at the held-out rows, or null before the first.</summary>
    public ConvergenceReading? Convergence { get; init; }

    /// <summary>Something that went wrong without ending the run, such as a checkpoint that found no room on the disk; null for nothing.</summary>
    public string? Warning { get; init; }
}

/// <summary>
/// Whether the network follows its condition: the loss of held-out rows, with fixed noise and timesteps, with their own conditions and with
/// those of the next row. Alike before the network looks at its condition; apart once it does (the paper's sudden convergence).
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">The mean loss with the right conditions.</param>
/// <param name="ExchangedLoss">The mean loss with exchanged conditions.</param>
public sealed record ConvergenceReading(long Step, double Loss, double ExchangedLoss)
{
    /// <summary>How much larger the loss with exchanged conditions is, relative to the other; 0 where the condition plays no part.</summary>
    public double Gap => Loss > 0 ? (ExchangedLoss - Loss) / Loss : 0;
}
