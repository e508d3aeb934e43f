using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Diffusion;

/// <summary>One image in a run of the loop. What it becomes depends on nothing else than this.</summary>
public sealed record DenoisingRow
{
    /// <summary>Starting noise, [1, C, h, w], of unit variance; the sampler scales it.</summary>
    public required TensorData Noise { get; init; }

    /// <summary>What it begins from in place of noise alone, or null.</summary>
    public RowImage? Image { get; init; }

    /// <summary>
    /// UNet input channels concatenated to the latents, [1, E, h, w] (mask and masked-image latents, or depth), of models that take them.
    /// Control networks do not get them.
    /// </summary>
    public TensorData? ExtraChannels { get; init; }

    /// <summary>The prompt.</summary>
    public required TextEmbedding Text { get; init; }

    /// <summary>The negative prompt; needed where there is guidance.</summary>
    public TextEmbedding? NegativeText { get; init; }

    /// <summary>Guidance scale; at 1 and below there is no second pass.</summary>
    public double Guidance { get; init; } = 7.5;

    /// <summary>Guidance rescale, 0 to 1.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Control networks with their hints and settings.</summary>
    public IReadOnlyList<RowControl> Controls { get; init; } = [];

    /// <summary>Where samplers that add noise take it from.</summary>
    public required INoiseSource NoiseSource { get; init; }

    /// <summary>SDXL: original height and width, crop top and left, target height and width, pixels.</summary>
    public IReadOnlyList<int>? TimeIds { get; init; }

    /// <summary>What DDIM-like samplers call eta, 0 to 1.</summary>
    public double Eta { get; init; }

    /// <summary>What it must have in common with the other rows of its batch.</summary>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="steps">Denoising steps.</param>
    internal BatchKey Key(SchedulerConfig scheduler, int steps) => new(
        Noise.Shape[3], Noise.Shape[2], steps, scheduler.ToJson(), Image?.Strength, [.. Controls.Where(control => control.Unit.TakesPart).Select(control => control.Network)]);
}

/// <summary>The image that a row begins from.</summary>
/// <param name="Latents">The image, encoded and scaled, [1, C, h, w].</param>
/// <param name="Strength">The share of the steps that run, 0 to 1.</param>
public sealed record RowImage(TensorData Latents, double Strength)
{
    /// <summary>Whether the first latents are noise alone all the same: inpainting from scratch.</summary>
    public bool BeginsFromNoise { get; init; }

    /// <summary>What is made anew, 1, and what stays, 0, [1, 1, h, w]: after each step the rest is put back, with the noise of the next. Null: all of it.</summary>
    public TensorData? Mask { get; init; }
}

/// <summary>A control network for one image.</summary>
/// <param name="Network">The network.</param>
/// <param name="Hint">Its encoded condition, [1, C, h, w].</param>
/// <param name="Unit">Scale, window and weighting.</param>
public sealed record RowControl(IControlBackend Network, TensorData Hint, ControlUnit Unit);
