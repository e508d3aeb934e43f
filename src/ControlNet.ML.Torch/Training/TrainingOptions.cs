using ControlNet.ML.Conditions;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Training;

/// <summary>How a control network is trained. The defaults are the paper's, where it says something.</summary>
public sealed record TrainingOptions
{
    /// <summary>Where the run lives: checkpoints, log, samples. A run that is there goes on.</summary>
    public required string Folder { get; init; }

    /// <summary>Steps of the optimiser in all, at least 1.</summary>
    /// <value>Default: 10,000, by which the paper saw the sudden convergence.</value>
    public long Steps { get; init; } = 10_000;

    /// <summary>Rows that go through the networks together, 1 to 1,024.</summary>
    /// <value>Default: 4.</value>
    public int BatchSize { get; init; } = 4;

    /// <summary>Batches whose gradients are averaged for a step, 1 to 1,024.</summary>
    /// <value>Default: 1.</value>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>The full learning rate, above 0.</summary>
    /// <value>Default: 1e-5.</value>
    public double LearningRate { get; init; } = 1e-5;

    /// <summary>How it goes over the steps.</summary>
    /// <value>Default: constant.</value>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>Steps over which the rate rises from 0 to the full one.</summary>
    /// <value>Default: 0.</value>
    public int WarmUpSteps { get; init; }

    /// <summary>AdamW's other settings.</summary>
    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>Longest gradient, all taken as one vector; longer ones are scaled down. Null for no bound.</summary>
    /// <value>Default: 1.</value>
    public double? MaxGradientNorm { get; init; } = 1;

    /// <summary>Decay of the weights' moving average, which then is the result; null for none.</summary>
    /// <value>Default: null.</value>
    public double? EmaDecay { get; init; }

    /// <summary>Whether the average follows faster in the first steps, as diffusers' <c>EMAModel</c>.</summary>
    /// <value>Default: true.</value>
    public bool EmaWarmUp { get; init; } = true;

    /// <summary>Probability that a prompt is replaced by the empty one, so that the network learns to read its condition alone, 0 to 1.</summary>
    /// <value>Default: 0.5 (paper section 3.3; the public scripts leave it at 0).</value>
    public double PromptDrop { get; init; } = 0.5;

    /// <summary>γ of min-SNR weighting (Hang et al., 2023; 5 there), above 0; null for equal weights.</summary>
    /// <value>Default: null.</value>
    public double? MinSnrGamma { get; init; }

    /// <summary>Columns of the images, a multiple of the autoencoder's factor; null for the model's own size.</summary>
    public int? Width { get; init; }

    /// <summary>Rows of the images, a multiple of the autoencoder's factor; null for the model's own size.</summary>
    public int? Height { get; init; }

    /// <summary>Whether half of the images are mirrored, conditions alike.</summary>
    /// <value>Default: false.</value>
    public bool Flip { get; init; }

    /// <summary>Which part is taken of an image of another shape.</summary>
    /// <value>Default: the middle.</value>
    public CropMode Crop { get; init; }

    /// <summary>
    /// Whether the UNet stays locked as a whole; false trains its decoder, too (<c>sd_locked = False</c> of the original code), and writes the
    /// UNet with it to <c>unet</c> in <see cref="Folder"/>. The model in memory is after the run as it was before.
    /// </summary>
    /// <value>Default: true.</value>
    public bool SdLocked { get; init; } = true;

    /// <summary>Whether only the middle residual is joined (<c>only_mid_control = True</c> of the original code), which is faster.</summary>
    /// <value>Default: false.</value>
    public bool OnlyMidControl { get; init; }

    /// <summary>Whether the UNet's decoder is computed again for the backward pass rather than remembered: less memory, more time, the same numbers.</summary>
    /// <value>Default: false.</value>
    public bool GradientCheckpointing { get; init; }

    /// <summary>What the paper compares its design with.</summary>
    /// <value>Default: none, a ControlNet.</value>
    public Ablation Ablation { get; init; }

    /// <summary>A control network to begin from: an embedded one, a folder or a file; null begins with the copy and zeros.</summary>
    public string? InitialControl { get; init; }

    /// <summary>
    /// The base that <see cref="InitialControl"/> was trained for, where that is another than this one: an embedded model or a folder. The
    /// difference between the two bases is then added to the network (transfer of the original code's <c>tool_transfer_control.py</c>).
    /// </summary>
    public string? InitialBase { get; init; }

    /// <summary>Channels of the condition encoder's stages; each but the last is followed by a halving, so there is one more than the autoencoder has halvings.</summary>
    /// <value>Default: 16, 32, 96, 256, those of the released networks.</value>
    public IReadOnlyList<int> ConditioningEmbeddingOutChannels { get; init; } = [16, 32, 96, 256];

    /// <summary>Of everything random.</summary>
    /// <value>Default: 0.</value>
    public ulong Seed { get; init; }

    /// <summary>The kind of condition to make from each image, for tables that have none: <c>canny</c> or another of <see cref="ConditionCatalog"/>.</summary>
    public string? Preprocess { get; init; }

    /// <summary>Its options; null for the defaults.</summary>
    public object? PreprocessOptions { get; init; }

    /// <summary>Rows that are held out to see whether the network follows its condition, 0 for none; at most an eighth of the table.</summary>
    /// <value>Default: 16.</value>
    public int ValidationRows { get; init; } = 16;

    /// <summary>Steps between two looks at the held-out rows, at least 1.</summary>
    /// <value>Default: 100.</value>
    public int ValidateEvery { get; init; } = 100;

    /// <summary>
    /// Ends the run when the gap, relative to the loss with the right conditions, has been at least this in three looks one after the other;
    /// null trains all steps. Such a network follows its condition; how well is another question.
    /// </summary>
    public double? StopAtGap { get; init; }

    /// <summary>Steps between two sample sheets, 0 for none.</summary>
    /// <value>Default: 500.</value>
    public int SampleEvery { get; init; } = 500;

    /// <summary>Held-out rows on a sample sheet.</summary>
    /// <value>Default: 4.</value>
    public int Samples { get; init; } = 4;

    /// <summary>How samples are drawn.</summary>
    /// <value>Default: 20 steps, guidance 4.</value>
    public GenerateOptions SampleOptions { get; init; } = new() { Steps = 20, Guidance = 4 };

    /// <summary>Steps between two checkpoints, at least 1: a crash loses at most so many.</summary>
    /// <value>Default: 500.</value>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the last checkpoints are kept, at least 1.</summary>
    /// <value>Default: 3.</value>
    public int KeepCheckpoints { get; init; } = 3;

    /// <summary>Whether latents and text embeddings are kept on the disk, so that the encoders run once.</summary>
    /// <value>Default: true.</value>
    public bool Cache { get; init; } = true;

    /// <summary>Where; null for <c>cache</c> in <see cref="Folder"/>. Runs on the same images may share one.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>How large the cache may grow, bytes; what does not fit is encoded anew each time.</summary>
    /// <value>Default: 20 GiB.</value>
    public long MaxCacheBytes { get; init; } = 20L << 30;

    /// <summary>Whether TensorBoard's event files are written, to <c>tensorboard</c> in <see cref="Folder"/>.</summary>
    /// <value>Default: true.</value>
    public bool TensorBoard { get; init; } = true;

    /// <summary>Told of every step.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ControlNetException">A value is outside its range.</exception>
    internal void Validate()
    {
        Require(!string.IsNullOrEmpty(Folder), nameof(Folder), Folder, "the name of a folder");
        Require(Steps >= 1, nameof(Steps), Steps, "1 or more");
        Require(BatchSize is >= 1 and <= 1024, nameof(BatchSize), BatchSize, "1 to 1,024");
        Require(GradientAccumulation is >= 1 and <= 1024, nameof(GradientAccumulation), GradientAccumulation, "1 to 1,024");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "above 0");
        Require(Enum.IsDefined(Schedule), nameof(Schedule), Schedule, "one of the schedules");
        Require(WarmUpSteps >= 0, nameof(WarmUpSteps), WarmUpSteps, "0 or more");
        Require(MaxGradientNorm is null or > 0, nameof(MaxGradientNorm), MaxGradientNorm, "above 0, or null");
        Require(EmaDecay is null or (>= 0 and < 1), nameof(EmaDecay), EmaDecay, "0 to below 1, or null");
        Require(PromptDrop is >= 0 and <= 1, nameof(PromptDrop), PromptDrop, "0 to 1");
        Require(MinSnrGamma is null or > 0, nameof(MinSnrGamma), MinSnrGamma, "above 0, or null");
        Require(Enum.IsDefined(Crop), nameof(Crop), Crop, "one of the ways to cut");
        Require(Enum.IsDefined(Ablation), nameof(Ablation), Ablation, "one of the ablations");
        Require(InitialBase is null || InitialControl is not null, nameof(InitialBase), InitialBase, $"nothing without {nameof(InitialControl)}");
        Require(InitialControl is null || Ablation == Ablation.None, nameof(Ablation), Ablation, $"none with {nameof(InitialControl)}");
        Require(ValidationRows >= 0, nameof(ValidationRows), ValidationRows, "0 or more");
        Require(ValidateEvery >= 1, nameof(ValidateEvery), ValidateEvery, "1 or more");
        Require(StopAtGap is null or > 0, nameof(StopAtGap), StopAtGap, "above 0, or null");
        Require(SampleEvery >= 0, nameof(SampleEvery), SampleEvery, "0 or more");
        Require(Samples >= 0, nameof(Samples), Samples, "0 or more");
        Require(CheckpointEvery >= 1, nameof(CheckpointEvery), CheckpointEvery, "1 or more");
        Require(KeepCheckpoints >= 1, nameof(KeepCheckpoints), KeepCheckpoints, "1 or more");
        Require(MaxCacheBytes >= 0, nameof(MaxCacheBytes), MaxCacheBytes, "0 or more");
        Optimizer.Validate();
        try
        {
            SampleOptions.Validate();
        }
        catch (ArgumentException error)
        {
            throw new ControlNetException($"{nameof(SampleOptions)}: {error.Message}", error);
        }
    }

    private static void Require(bool holds, string name, object? value, string expected)
    {
        if (!holds)
            throw new ControlNetException(FormattableString.Invariant($"{name} is {value ?? "null"}, expected {expected}."));
    }
}

/// <summary>What the paper changes in its design to see what it is worth (section 4.3, Figure 8).</summary>
public enum Ablation
{
    /// <summary>A ControlNet as it is.</summary>
    None,

    /// <summary>Convolutions with Gaussian weights in place of the zero convolutions.</summary>
    Gaussian,

    /// <summary>ControlNet-lite: one convolution in place of each block of the trainable copy. The result is loaded as any other network.</summary>
    Lite,
}
