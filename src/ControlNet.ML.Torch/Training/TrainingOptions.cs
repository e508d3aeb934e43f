using ControlNet.ML.Conditions;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// How to train a control network. The names are those of diffusers' <c>train_controlnet.py</c> where it has the same setting; the defaults
/// are the paper's where it gives a value.
/// </summary>
public sealed record TrainingOptions
{
    /// <summary>The run's folder: checkpoints, log, samples. A run that is already there is resumed.</summary>
    public required string Folder { get; init; }

    /// <summary>Total number of optimiser steps, at least 1.</summary>
    /// <value>Default: 10,000, by which the paper observed the sudden convergence.</value>
    public long Steps { get; init; } = 10_000;

    /// <summary>Batch size, 1 to 1,024.</summary>
    /// <value>Default: 4.</value>
    public int BatchSize { get; init; } = 4;

    /// <summary>Number of batches whose gradients are averaged for one optimiser step, 1 to 1,024.</summary>
    /// <value>Default: 1.</value>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Learning rate after the warm-up, above 0.</summary>
    /// <value>Default: 1e-5.</value>
    public double LearningRate { get; init; } = 1e-5;

    /// <summary>How the learning rate changes over the steps.</summary>
    /// <value>Default: constant.</value>
    public LearningRateScheduler LearningRateScheduler { get; init; }

    /// <summary>Number of steps over which the learning rate rises linearly from 0 to <see cref="LearningRate"/>.</summary>
    /// <value>Default: 0.</value>
    public int LearningRateWarmupSteps { get; init; }

    /// <summary>AdamW's other settings.</summary>
    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>Maximum gradient norm, over all parameters together; null disables clipping.</summary>
    /// <value>Default: 1.</value>
    public double? MaxGradNorm { get; init; } = 1;

    /// <summary>
    /// Decay of the exponential moving average (EMA) of the weights, 0 to below 1; the average is then the result. Null trains without EMA.
    /// </summary>
    /// <value>Default: null.</value>
    public double? EmaDecay { get; init; }

    /// <summary>Whether the EMA decays faster in the first steps, as diffusers' <c>EMAModel</c> does with <c>use_ema_warmup</c>.</summary>
    /// <value>Default: true.</value>
    public bool UseEmaWarmup { get; init; } = true;

    /// <summary>
    /// Proportion of prompts replaced by the empty prompt, 0 to 1, so that the network learns to read its condition alone.
    /// </summary>
    /// <value>Default: 0.5 (paper section 3.3; 0 in the public scripts).</value>
    public double ProportionEmptyPrompts { get; init; } = 0.5;

    /// <summary>What brackets in prompts mean.</summary>
    /// <value>Default: <see cref="PromptSyntax.Plain"/>, they are text.</value>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>
    /// What becomes of prompts that are longer than the text encoder takes, 75 tokens for CLIP. The prompts of a batch are padded with
    /// empty windows to its longest one.
    /// </summary>
    /// <value>Default: <see cref="LongPrompts.Windows"/>, nothing is cut. The public scripts cut them.</value>
    public LongPrompts LongPrompts { get; init; }

    /// <summary>γ of min-SNR loss weighting (Hang et al., 2023, who use 5), above 0; null weights all timesteps equally.</summary>
    /// <value>Default: null.</value>
    public double? SnrGamma { get; init; }

    /// <summary>Image width in pixels, a multiple of the autoencoder's scale factor; null for the model's own size.</summary>
    public int? Width { get; init; }

    /// <summary>Image height in pixels, a multiple of the autoencoder's scale factor; null for the model's own size.</summary>
    public int? Height { get; init; }

    /// <summary>Whether images, with their conditions, are flipped horizontally with probability 0.5.</summary>
    /// <value>Default: false.</value>
    public bool RandomFlip { get; init; }

    /// <summary>Which part of an image is kept if its aspect ratio differs from the training size.</summary>
    /// <value>Default: the centre.</value>
    public CropMode Crop { get; init; }

    /// <summary>
    /// Whether the whole UNet stays locked. False trains its decoder as well (<c>sd_locked = False</c> in the original code) and writes the
    /// UNet to <c>unet</c> in <see cref="Folder"/>. After the run the model in memory has its original weights again.
    /// </summary>
    /// <value>Default: true.</value>
    public bool SdLocked { get; init; } = true;

    /// <summary>
    /// Whether only the middle residual is added to the UNet (<c>only_mid_control = True</c> in the original code), which is faster.
    /// </summary>
    /// <value>Default: false.</value>
    public bool OnlyMidControl { get; init; }

    /// <summary>
    /// Whether the backward pass recomputes the UNet's decoder instead of storing its activations: less memory, more time, the same
    /// numbers.
    /// </summary>
    /// <value>Default: false.</value>
    public bool GradientCheckpointing { get; init; }

    /// <summary>One of the paper's ablations.</summary>
    /// <value>Default: none, a ControlNet.</value>
    public Ablation Ablation { get; init; }

    /// <summary>
    /// Control network to start from: an embedded one, a folder or a file. Null starts from a copy of the UNet's encoder with zero
    /// convolutions.
    /// </summary>
    public string? InitialControl { get; init; }

    /// <summary>
    /// Base model that <see cref="InitialControl"/> was trained for, if it is not this one: an embedded model or a folder. The difference
    /// between the two bases is added to the network (as the original code's <c>tool_transfer_control.py</c> does).
    /// </summary>
    public string? InitialBase { get; init; }

    /// <summary>
    /// Output channels of the condition encoder's blocks. Every block but the last is followed by a downsampling by 2, so there must be one
    /// block more than the autoencoder has downsamplings.
    /// </summary>
    /// <value>Default: 16, 32, 96, 256, as in the released networks.</value>
    public IReadOnlyList<int> ConditioningEmbeddingOutChannels { get; init; } = [16, 32, 96, 256];

    /// <summary>Seed of everything random.</summary>
    /// <value>Default: 0.</value>
    public ulong Seed { get; init; }

    /// <summary>
    /// Preprocessor that makes the condition from each image, for tables without conditions: <c>canny</c> or another name in
    /// <see cref="ConditionCatalog"/>.
    /// </summary>
    public string? Preprocess { get; init; }

    /// <summary>The preprocessor's options; null for the defaults.</summary>
    public object? PreprocessOptions { get; init; }

    /// <summary>
    /// Number of rows held out to validate whether the network follows its condition, at most an eighth of the table; 0 disables
    /// validation.
    /// </summary>
    /// <value>Default: 16.</value>
    public int ValidationRows { get; init; } = 16;

    /// <summary>Validate every so many steps, at least 1.</summary>
    /// <value>Default: 100.</value>
    public int ValidationSteps { get; init; } = 100;

    /// <summary>
    /// Stop once <see cref="ConvergenceReading.Gap"/> has reached this value in three validations in a row, above 0; null trains for all
    /// steps. A network that passes follows its condition, but not necessarily well.
    /// </summary>
    public double? StopAtGap { get; init; }

    /// <summary>Write a sheet of samples every so many steps; 0 disables them.</summary>
    /// <value>Default: 500.</value>
    public int SampleEvery { get; init; } = 500;

    /// <summary>Number of held-out rows on a sheet of samples.</summary>
    /// <value>Default: 4.</value>
    public int Samples { get; init; } = 4;

    /// <summary>How samples are generated; their prompts are read as in training.</summary>
    /// <value>Default: 20 steps; for the rest the model's own defaults.</value>
    public GenerateOptions SampleOptions { get; init; } = new() { Steps = 20 };

    /// <summary>Save a checkpoint every so many steps, at least 1: the most that a crash can lose.</summary>
    /// <value>Default: 500.</value>
    public int CheckpointingSteps { get; init; } = 500;

    /// <summary>Maximum number of checkpoints to keep, at least 1; older ones are deleted.</summary>
    /// <value>Default: 3.</value>
    public int CheckpointsTotalLimit { get; init; } = 3;

    /// <summary>Whether latents and text embeddings are cached on disk, so that each is encoded only once.</summary>
    /// <value>Default: true.</value>
    public bool Cache { get; init; } = true;

    /// <summary>The cache's folder; null for <c>cache</c> in <see cref="Folder"/>. Runs on the same images can share one.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Maximum size of the cache in bytes; what does not fit is encoded each time.</summary>
    /// <value>Default: 20 GiB.</value>
    public long MaxCacheBytes { get; init; } = 20L << 30;

    /// <summary>Whether TensorBoard event files are written, to <c>tensorboard</c> in <see cref="Folder"/>.</summary>
    /// <value>Default: true.</value>
    public bool TensorBoard { get; init; } = true;

    /// <summary>Progress reports after each step, on the calling thread.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ControlNetException">A value is out of range.</exception>
    internal void Check()
    {
        Require(!string.IsNullOrEmpty(Folder), nameof(Folder), Folder, "the name of a folder");
        Require(Steps >= 1, nameof(Steps), Steps, "1 or more");
        Require(BatchSize is >= 1 and <= 1024, nameof(BatchSize), BatchSize, "1 to 1,024");
        Require(
            GradientAccumulationSteps is >= 1 and <= 1024, nameof(GradientAccumulationSteps), GradientAccumulationSteps, "1 to 1,024");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "above 0");
        RequireDefined(LearningRateScheduler, nameof(LearningRateScheduler));
        Require(LearningRateWarmupSteps >= 0, nameof(LearningRateWarmupSteps), LearningRateWarmupSteps, "0 or more");
        Require(MaxGradNorm is null or > 0, nameof(MaxGradNorm), MaxGradNorm, "above 0, or null");
        Require(EmaDecay is null or (>= 0 and < 1), nameof(EmaDecay), EmaDecay, "0 to below 1, or null");
        Require(ProportionEmptyPrompts is >= 0 and <= 1, nameof(ProportionEmptyPrompts), ProportionEmptyPrompts, "0 to 1");
        RequireDefined(PromptSyntax, nameof(PromptSyntax));
        RequireDefined(LongPrompts, nameof(LongPrompts));
        Require(SnrGamma is null or > 0, nameof(SnrGamma), SnrGamma, "above 0, or null");
        RequireDefined(Crop, nameof(Crop));
        RequireDefined(Ablation, nameof(Ablation));
        Require(
            InitialBase is null || InitialControl is not null, nameof(InitialBase), InitialBase, $"null without {nameof(InitialControl)}");
        Require(InitialControl is null || Ablation == Ablation.None, nameof(Ablation), Ablation, $"none with {nameof(InitialControl)}");
        Require(ValidationRows >= 0, nameof(ValidationRows), ValidationRows, "0 or more");
        Require(ValidationSteps >= 1, nameof(ValidationSteps), ValidationSteps, "1 or more");
        Require(StopAtGap is null or > 0, nameof(StopAtGap), StopAtGap, "above 0, or null");
        Require(SampleEvery >= 0, nameof(SampleEvery), SampleEvery, "0 or more");
        Require(Samples >= 0, nameof(Samples), Samples, "0 or more");
        Require(CheckpointingSteps >= 1, nameof(CheckpointingSteps), CheckpointingSteps, "1 or more");
        Require(CheckpointsTotalLimit >= 1, nameof(CheckpointsTotalLimit), CheckpointsTotalLimit, "1 or more");
        Require(MaxCacheBytes >= 0, nameof(MaxCacheBytes), MaxCacheBytes, "0 or more");
        Optimizer.Check();
        if (SampleOptions.Validate() is { } problem)
            throw new ControlNetException($"{nameof(SampleOptions)}: {problem}");
    }

    private static void RequireDefined<T>(T value, string name)
        where T : struct, Enum =>
        Require(Enum.IsDefined(value), name, value, $"one of {string.Join(", ", Enum.GetNames<T>())}");

    private static void Require(bool holds, string name, object? value, string expected)
    {
        if (!holds)
            throw new ControlNetException(FormattableString.Invariant($"{name} is {value ?? "null"}, expected {expected}."));
    }
}

/// <summary>The paper's ablations of its design (section 4.3, Figure 8).</summary>
public enum Ablation
{
    /// <summary>A ControlNet as it is.</summary>
    None,

    /// <summary>Gaussian weights instead of zero convolutions.</summary>
    Gaussian,

    /// <summary>
    /// ControlNet-lite: one convolution instead of each block of the trainable copy. The result loads like any other network.
    /// </summary>
    Lite,
}
