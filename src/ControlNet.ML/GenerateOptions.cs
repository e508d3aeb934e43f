using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML;

/// <summary>How an image is made. A record: change one thing with <c>with</c>.</summary>
public sealed record GenerateOptions
{
    /// <summary>Most steps that are taken in earnest; what is beyond is a slip of the finger.</summary>
    public const int MaxSteps = 1000;

    /// <summary>What the image should not show; null is no wish.</summary>
    /// <value>Default: null.</value>
    public string? NegativePrompt { get; init; }

    /// <summary>Denoising steps, 1 to 1,000.</summary>
    /// <value>Default: 50, as in diffusers.</value>
    public int Steps { get; init; } = 50;

    /// <summary>Classifier-free guidance scale; 1 and below is no guidance.</summary>
    /// <value>Default: 7.5, as in diffusers.</value>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Guidance rescale, 0 to 1.</summary>
    /// <value>Default: 0.</value>
    public double GuidanceRescale { get; init; }

    /// <summary>Seed of all noise: the numbers of torch's CPU generator. 0 is a seed like any other.</summary>
    /// <value>Default: 0.</value>
    public ulong Seed { get; init; }

    /// <summary>An image to begin from, and how much of it is made anew; null begins from noise alone.</summary>
    public ImageInput? Image { get; init; }

    /// <summary>Width in pixels, a multiple of 8; null takes what the model was trained with, or of <see cref="Image"/> the next multiple below its own.</summary>
    public int? Width { get; init; }

    /// <summary>Height in pixels, a multiple of 8; null as for <see cref="Width"/>.</summary>
    public int? Height { get; init; }

    /// <summary>Sampler: a short name (<c>ddim</c>, <c>euler</c>, <c>dpmpp-2m-karras</c> …); null takes the model's own.</summary>
    public string? Scheduler { get; init; }

    /// <summary>Sampler with all its settings, in place of a name.</summary>
    public SchedulerConfig? SchedulerConfig { get; init; }

    /// <summary>How many of the text encoder's last layers to leave out; null for none.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>DDIM's eta, 0 (no noise added) to 1.</summary>
    public double Eta { get; init; }

    /// <summary>Starting noise in place of the seed's, [1, C, h, w], of unit variance.</summary>
    public TensorData? Latents { get; init; }

    /// <summary>SDXL: the size that the image is said to come from, its crop's corner and its target size; null takes the image's own.</summary>
    public SizeConditioning? Sizes { get; init; }

    /// <summary>Told what is going on, from the thread that works.</summary>
    public IProgress<GenerationProgress>? Progress { get; init; }

    /// <summary>Checks the values that need no model.</summary>
    /// <returns>What is wrong: the first value outside its range. Null if nothing is.</returns>
    public string? Validate() => this switch
    {
        { Steps: < 1 or > MaxSteps } => $"Steps is {Steps}, expected 1 to {MaxSteps:N0}.",
        _ when !double.IsFinite(Guidance) => $"Guidance is {Guidance}, expected a finite number.",
        { GuidanceRescale: not (>= 0 and <= 1) } => $"Guidance rescale is {GuidanceRescale}, expected 0 to 1.",
        { Eta: not (>= 0 and <= 1) } => $"Eta is {Eta}, expected 0 to 1.",
        { ClipSkip: < 0 } => $"Clip skip is {ClipSkip}, expected 0 or more.",
        _ => Image?.Validate(),
    };
}

/// <summary>SDXL's size conditioning, pixels.</summary>
/// <param name="OriginalHeight">Height of the image that this one is said to come from.</param>
/// <param name="OriginalWidth">Its width.</param>
/// <param name="CropTop">Rows cut at the top.</param>
/// <param name="CropLeft">Columns cut at the left.</param>
/// <param name="TargetHeight">Height aimed at.</param>
/// <param name="TargetWidth">Width aimed at.</param>
public sealed record SizeConditioning(int OriginalHeight, int OriginalWidth, int CropTop, int CropLeft, int TargetHeight, int TargetWidth);

/// <summary>What is going on.</summary>
/// <param name="Stage"><c>text</c>, <c>condition</c>, <c>denoise</c> or <c>decode</c>.</param>
/// <param name="Done">Steps done of this stage.</param>
/// <param name="Total">Steps in this stage.</param>
public sealed record GenerationProgress(string Stage, int Done, int Total);
