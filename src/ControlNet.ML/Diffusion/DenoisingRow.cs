using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Diffusion;

/// <summary>One image in a run of the denoising loop. Its result depends on nothing else.</summary>
public sealed record DenoisingRow
{
    /// <summary>Starting noise, [1, C, h, w], of unit variance; the scheduler scales it.</summary>
    public required TensorData Noise { get; init; }

    /// <summary>The initial image of image-to-image; null to start from noise.</summary>
    public RowImage? Image { get; init; }

    /// <summary>
    /// UNet input channels concatenated to the latents, [1, E, h, w] (mask and masked-image latents, or depth), for models that take them.
    /// Control networks do not receive them.
    /// </summary>
    public TensorData? ExtraChannels { get; init; }

    /// <summary>The prompt.</summary>
    public required TextEmbedding Text { get; init; }

    /// <summary>The negative prompt, of as many tokens as the prompt; required if guidance is enabled.</summary>
    public TextEmbedding? NegativeText { get; init; }

    /// <summary>Guidance scale; 1 and below runs no unconditional pass.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Guidance rescale, 0 (off) to 1.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Control networks with their hints and settings.</summary>
    public IReadOnlyList<RowControl> Controls { get; init; } = [];

    /// <summary>The noise of schedulers that add noise.</summary>
    public required INoiseSource NoiseSource { get; init; }

    /// <summary>SDXL size conditioning: original height and width, crop top and left, target height and width, in pixels.</summary>
    public IReadOnlyList<int>? TimeIds { get; init; }

    /// <summary>The eta of DDIM-like schedulers, 0 to 1.</summary>
    public double Eta { get; init; }

    /// <summary>What is left out to save time, the same for all rows of a run.</summary>
    public Approximation Approximation { get; init; } = new();

    /// <summary>The properties that it must share with the other rows of its batch.</summary>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="steps">Denoising steps.</param>
    internal BatchKey Key(SchedulerConfig scheduler, int steps) => new(
        Noise.Shape[3],
        Noise.Shape[2],
        steps,
        scheduler.ToJson(),
        Image?.Strength,
        [.. Controls.Where(control => control.Unit.TakesPart).Select(control => control.Network)])
    {
        Tokens = Text.Tokens,
        Approximation = Approximation,
    };
}

/// <summary>The image that a row starts from.</summary>
/// <param name="Latents">The image, encoded and scaled, [1, C, h, w].</param>
/// <param name="Strength">The share of the steps that run, 0 to 1.</param>
public sealed record RowImage(TensorData Latents, double Strength)
{
    /// <summary>Whether the first latents are pure noise nevertheless: inpainting at strength 1.</summary>
    public bool BeginsFromNoise { get; init; }

    /// <summary>
    /// The inpainting mask, [1, 1, h, w]: 1 is regenerated, 0 is kept: after each step the kept part is restored, with the noise of the
    /// next step. Null regenerates everything.
    /// </summary>
    public TensorData? Mask { get; init; }
}

/// <summary>A control network for one image.</summary>
/// <param name="Network">The network.</param>
/// <param name="Hint">Its encoded condition, see <see cref="IControlBackend.HintShape"/>.</param>
/// <param name="Unit">Its scale, window and weighting.</param>
public sealed record RowControl(IControlBackend Network, TensorData Hint, ControlUnit Unit);
