using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;

namespace ControlNet.ML;

/// <summary>The options of image generation. A record: change individual options with <c>with</c>.</summary>
public sealed record GenerateOptions
{
    /// <summary>The maximum number of steps; a larger number is taken for a mistake.</summary>
    public const int MaxSteps = 1000;

    /// <summary>The negative prompt: what the image should not show; null for none.</summary>
    /// <value>Default: null.</value>
    public string? NegativePrompt { get; init; }

    /// <summary>What brackets in the prompt and the negative prompt mean.</summary>
    /// <value>Default: <see cref="PromptSyntax.Plain"/>, they are text, as in diffusers.</value>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>What becomes of prompts that are longer than the text encoder takes, 75 tokens for CLIP.</summary>
    /// <value>Default: <see cref="LongPrompts.Windows"/>, nothing is cut.</value>
    public LongPrompts LongPrompts { get; init; }

    /// <summary>Steps where neither the user nor the model says otherwise, as in diffusers.</summary>
    public const int DefaultSteps = 50;

    /// <summary>Guidance scale where neither the user nor the model says otherwise, as in diffusers.</summary>
    public const double DefaultGuidance = 7.5;

    /// <summary>Denoising steps, 1 to 1,000.</summary>
    /// <value>Null, the default: the model's own (<see cref="GenerationConfig"/>), otherwise <see cref="DefaultSteps"/>.</value>
    public int? Steps { get; init; }

    /// <summary>Classifier-free guidance scale; 1 and below disables guidance.</summary>
    /// <value>Null, the default: the model's own (<see cref="GenerationConfig"/>), otherwise <see cref="DefaultGuidance"/>.</value>
    public double? Guidance { get; init; }

    /// <summary>Guidance rescale, 0 (off) to 1.</summary>
    /// <value>Default: 0.</value>
    public double GuidanceRescale { get; init; }

    /// <summary>Seed of all noise: random numbers are those of torch's CPU generator. 0 is a seed like any other.</summary>
    /// <value>Default: 0.</value>
    public ulong Seed { get; init; }

    /// <summary>The initial image, its strength and mask; null starts from noise.</summary>
    public ImageInput? Image { get; init; }

    /// <summary>
    /// Width in pixels, a multiple of 8; null uses the size of <see cref="Image"/> rounded down to a multiple, otherwise the model's own:
    /// that of its <see cref="GenerationConfig"/> or that it was trained with.
    /// </summary>
    public int? Width { get; init; }

    /// <summary>Height in pixels, a multiple of 8; null as for <see cref="Width"/>.</summary>
    public int? Height { get; init; }

    /// <summary>
    /// Scheduler: a short name (<c>ddim</c>, <c>dpmpp-2m-karras</c>), a class of diffusers (<c>EulerDiscreteScheduler</c>) or a web UI's
    /// name (<c>DPM++ 2M Karras</c>), see <see cref="SchedulerCatalog.Configure"/>; null uses the model's own.
    /// </summary>
    public string? Scheduler { get; init; }

    /// <summary>Scheduler with its whole configuration, instead of a name.</summary>
    public SchedulerConfig? SchedulerConfig { get; init; }

    /// <summary>Clip skip: the number of the text encoder's last layers to skip; null for none.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>
    /// LoRAs for this image: loaded ones by name, or files. Exchanging them reloads nothing; images with other LoRAs are not denoised
    /// together.
    /// </summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<LoraWeight> Loras { get; init; } = [];

    /// <summary>
    /// The folder of the LoRAs that prompts may name, <c>&lt;lora:name:weight&gt;</c>, in addition to <see cref="Loras"/>.
    /// </summary>
    /// <value>Default: null, prompts are taken as they are.</value>
    public string? LoraFolder { get; init; }

    /// <summary>DDIM's eta, 0 (no noise added) to 1.</summary>
    public double Eta { get; init; }

    /// <summary>What is left out to save time, at the price of another image. Images of different ones are not denoised together.</summary>
    /// <value>Default: nothing.</value>
    public Approximation Approximation { get; init; } = new();

    /// <summary>Starting noise instead of the seed's, [1, C, h, w], of unit variance.</summary>
    public TensorData? Latents { get; init; }

    /// <summary>
    /// SDXL size conditioning: original size, top-left crop corner and target size; null uses the image's own size, uncropped.
    /// </summary>
    public SizeConditioning? Sizes { get; init; }

    /// <summary>Progress reports, on the calling thread.</summary>
    public IProgress<GenerationProgress>? Progress { get; init; }

    /// <summary>How prompts are read.</summary>
    internal PromptReading Reading => new(PromptSyntax, LongPrompts);

    /// <summary>Steps to run, once <see cref="For"/> has been asked.</summary>
    internal int StepCount => Steps ?? DefaultSteps;

    /// <summary>Guidance scale to use, once <see cref="For"/> has been asked.</summary>
    internal double GuidanceScale => Guidance ?? DefaultGuidance;

    /// <summary>These options, completed by a model's own steps, guidance scale and scheduler. The size depends on the row.</summary>
    /// <param name="defaults">The model's defaults.</param>
    internal GenerateOptions For(GenerationConfig defaults) => this with
    {
        Steps = Steps ?? defaults.NumInferenceSteps ?? DefaultSteps,
        Guidance = Guidance ?? defaults.GuidanceScale ?? DefaultGuidance,
        Scheduler = Scheduler ?? (SchedulerConfig is null ? defaults.Scheduler : null),
    };

    /// <summary>Checks the values that do not depend on the model.</summary>
    /// <returns>The first problem found: a value outside its range. Null if there is none.</returns>
    public string? Validate() => this switch
    {
        { Steps: < 1 or > MaxSteps } => $"Steps is {Steps}, expected 1 to {MaxSteps:N0}.",
        _ when Guidance is { } guidance && !double.IsFinite(guidance) => $"Guidance is {Guidance}, expected a finite number.",
        { GuidanceRescale: not (>= 0 and <= 1) } => $"Guidance rescale is {GuidanceRescale}, expected 0 to 1.",
        { Eta: not (>= 0 and <= 1) } => $"Eta is {Eta}, expected 0 to 1.",
        { ClipSkip: < 0 } => $"Clip skip is {ClipSkip}, expected 0 or more.",
        _ when Loras.FirstOrDefault(lora => string.IsNullOrEmpty(lora.Name) || !double.IsFinite(lora.Weight)) is { } lora =>
            $"A LoRA is '{lora.Name}' with the weight {lora.Weight}, expected a name and a finite number.",
        _ => Approximation.Validate() ?? Reading.Validate() ?? Image?.Validate(),
    };
}

/// <summary>SDXL's size conditioning, in pixels.</summary>
/// <param name="OriginalHeight">Original height of the image.</param>
/// <param name="OriginalWidth">Original width of the image.</param>
/// <param name="CropTop">Rows cropped at the top.</param>
/// <param name="CropLeft">Columns cropped at the left.</param>
/// <param name="TargetHeight">Target height.</param>
/// <param name="TargetWidth">Target width.</param>
public sealed record SizeConditioning(int OriginalHeight, int OriginalWidth, int CropTop, int CropLeft, int TargetHeight, int TargetWidth);

/// <summary>A progress report.</summary>
/// <param name="Stage"><c>text</c>, <c>condition</c>, <c>denoise</c> or <c>decode</c>.</param>
/// <param name="Done">Steps of the stage that are done.</param>
/// <param name="Total">Steps of the stage in total.</param>
public sealed record GenerationProgress(string Stage, int Done, int Total);
