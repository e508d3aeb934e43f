using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Components;

/// <summary>
/// How latents are denoised from noise, row by row. Settings without a column are the same for all rows, so rows without a seed column
/// start from the same noise: a seed never depends on a row's position, which filters and sorting change.
/// </summary>
public record DenoiseComponentOptions : NetworkComponentOptions
{
    /// <summary>Denoising steps, 1 to 1,000.</summary>
    /// <value>Null: the model's own (<see cref="GenerationConfig"/>), otherwise 50, as in diffusers.</value>
    public int? Steps { get; init; }

    /// <summary>A column of whole numbers with each row's steps. Only rows with the same number of steps are processed together.</summary>
    /// <value>Null: <see cref="Steps"/>.</value>
    public string? StepsColumn { get; init; }

    /// <summary>Classifier-free guidance scale; 1 and below disables guidance.</summary>
    /// <value>Null: the model's own (<see cref="GenerationConfig"/>), otherwise 7.5, as in diffusers.</value>
    public double? Guidance { get; init; }

    /// <summary>A column of numbers with each row's guidance scale.</summary>
    /// <value>Null: <see cref="Guidance"/>.</value>
    public string? GuidanceColumn { get; init; }

    /// <summary>Guidance rescale, 0 (off) to 1.</summary>
    /// <value>0.</value>
    public double GuidanceRescale { get; init; }

    /// <summary>Seed of all of a row's noise: random numbers are those of torch's CPU generator.</summary>
    /// <value>0, a seed like any other.</value>
    public ulong Seed { get; init; }

    /// <summary>A column of whole numbers with each row's seed; a negative one is its two's complement, as in Python.</summary>
    /// <value>Null: <see cref="Seed"/>.</value>
    public string? SeedColumn { get; init; }

    /// <summary>Width in pixels, a multiple of the autoencoder's scale factor, 8.</summary>
    /// <value>Null: the model's own, see <see cref="GenerateOptions.Width"/>.</value>
    public int? Width { get; init; }

    /// <summary>Height in pixels, a multiple of the autoencoder's scale factor, 8.</summary>
    /// <value>Null: the model's own, see <see cref="GenerateOptions.Width"/>.</value>
    public int? Height { get; init; }

    /// <summary>
    /// Scheduler: a short name (<c>ddim</c>, <c>dpmpp-2m-karras</c>), a class of diffusers (<c>EulerDiscreteScheduler</c>) or a web UI's
    /// name (<c>DPM++ 2M Karras</c>), see <see cref="SchedulerCatalog.Configure"/>.
    /// </summary>
    /// <value>Null: the model's own.</value>
    public string? Scheduler { get; init; }

    /// <summary>Scheduler with its whole configuration, instead of a name.</summary>
    /// <value>Null: <see cref="Scheduler"/>.</value>
    public SchedulerConfig? SchedulerConfig { get; init; }

    /// <summary>SDXL size conditioning: original size, top-left crop corner and target size.</summary>
    /// <value>Null: each image's own size, uncropped.</value>
    public SizeConditioning? Sizes { get; init; }

    /// <summary>DDIM's eta, 0 (no noise added) to 1.</summary>
    /// <value>0.</value>
    public double Eta { get; init; }

    /// <summary>What is left out to save time, at the price of other images.</summary>
    /// <value>Nothing.</value>
    public Approximation Approximation { get; init; } = new();

    /// <summary>
    /// LoRAs: loaded ones by name (<see cref="DiffusionModel.LoadLora"/>), or files. In a chain of stages, the stage that encodes the text
    /// has its own.
    /// </summary>
    /// <value>None.</value>
    public IReadOnlyList<LoraWeight> Loras { get; init; } = [];

    /// <summary>
    /// A text column with each row's LoRAs, <c>name:weight;name:weight</c>; an empty text means <see cref="Loras"/>. Only rows with the
    /// same LoRAs are processed together, and exchanging them reloads nothing.
    /// </summary>
    /// <value>Null: <see cref="Loras"/>.</value>
    public string? LorasColumn { get; init; }

    /// <summary>The options that apply to all rows.</summary>
    internal virtual GenerateOptions ToGenerateOptions() => new()
    {
        Steps = Steps,
        Guidance = Guidance,
        GuidanceRescale = GuidanceRescale,
        Seed = Seed,
        Width = Width,
        Height = Height,
        Scheduler = Scheduler,
        SchedulerConfig = SchedulerConfig,
        Sizes = Sizes,
        Eta = Eta,
        Approximation = Approximation,
        Loras = Loras,
    };

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? ToGenerateOptions().Validate();
}

/// <summary>How images are generated, row by row.</summary>
public sealed record GenerateComponentOptions : DenoiseComponentOptions
{
    /// <summary>The negative prompt: what the images should not show; null for none.</summary>
    /// <value>Null.</value>
    public string? NegativePrompt { get; init; }

    /// <summary>A text column with each row's negative prompt; an empty text means none.</summary>
    /// <value>Null: <see cref="NegativePrompt"/>.</value>
    public string? NegativePromptColumn { get; init; }

    /// <summary>A column of whole numbers with each row's width in pixels. Only rows of the same size are processed together.</summary>
    /// <value>Null: <see cref="DenoiseComponentOptions.Width"/>.</value>
    public string? WidthColumn { get; init; }

    /// <summary>A column of whole numbers with each row's height in pixels.</summary>
    /// <value>Null: <see cref="DenoiseComponentOptions.Height"/>.</value>
    public string? HeightColumn { get; init; }

    /// <summary>An image column with each row's initial image, stretched to the size of the generated image.</summary>
    /// <value>Null: rows start from noise.</value>
    public string? ImageColumn { get; init; }

    /// <summary>
    /// An image column with the masks of <see cref="ImageColumn"/>: white is regenerated, the rest is kept. Transparent parts are kept too,
    /// with a warning.
    /// </summary>
    /// <value>Null: the whole image is regenerated.</value>
    public string? MaskColumn { get; init; }

    /// <summary>
    /// A column with the depths of <see cref="ImageColumn"/>, larger is nearer, required by models with a depth channel (SD2's): images, of
    /// which the grey value counts, or the bytes of image files (<c>LoadRawImageBytes</c>), which keep 16 bits.
    /// </summary>
    /// <value>Null.</value>
    public string? DepthColumn { get; init; }

    /// <summary>Strength: how much <see cref="ImageColumn"/> is changed, 0 to 1.</summary>
    /// <value>Null: 0.8, or 1 with a mask.</value>
    public double? Strength { get; init; }

    /// <summary>A column of numbers with each row's strength. Only rows of the same strength are processed together.</summary>
    /// <value>Null: <see cref="Strength"/>.</value>
    public string? StrengthColumn { get; init; }

    /// <summary>
    /// A text column to add with how each image was generated, as a JSON object of texts: what the command line writes into its PNG files
    /// (prompt, seed, steps, scheduler, model, controls); empty for rows that failed.
    /// </summary>
    /// <value>Null: none.</value>
    public string? ProvenanceColumn { get; init; }

    /// <summary>
    /// Clip skip: the number of the text encoder's last layers to skip; does not apply to the negative prompt, as in diffusers.
    /// </summary>
    /// <value>Null: none.</value>
    public int? ClipSkip { get; init; }

    /// <summary>What brackets in the prompt and the negative prompt mean.</summary>
    /// <value><see cref="PromptSyntax.Plain"/>: they are text, as in diffusers.</value>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>
    /// What becomes of prompts that are longer than the text encoder takes, 75 tokens for CLIP. Only rows whose prompts have as many
    /// windows are processed together.
    /// </summary>
    /// <value><see cref="LongPrompts.Windows"/>: nothing is cut.</value>
    public LongPrompts LongPrompts { get; init; }

    /// <inheritdoc/>
    internal override GenerateOptions ToGenerateOptions() => base.ToGenerateOptions() with
    {
        NegativePrompt = NegativePromptColumn is null ? NegativePrompt : null,
        ClipSkip = ClipSkip,
        PromptSyntax = PromptSyntax,
        LongPrompts = LongPrompts,
    };

    /// <inheritdoc/>
    public override string? Validate()
    {
        if (base.Validate() is { } problem)
            return problem;
        if (ImageColumn is null && (MaskColumn ?? DepthColumn ?? StrengthColumn ?? (object?)Strength) is not null)
            return $"{nameof(MaskColumn)}, {nameof(DepthColumn)} and {nameof(Strength)} need the images of {nameof(ImageColumn)}, "
                + "which is null.";
        if (Strength is not (null or (>= 0 and <= 1)))
            return $"Strength is {Strength}, expected 0 to 1.";
        return ProvenanceColumn is { Length: 0 }
            ? $"{nameof(ProvenanceColumn)} is empty, expected a name, or null for no provenance column."
            : null;
    }
}
