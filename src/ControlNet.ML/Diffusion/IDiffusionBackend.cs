using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The seam between the managed mathematics and the networks of one base model: everything on this side is numbers and loops,
/// everything on the other is layers. Implementations need not be thread-safe.
/// </summary>
public interface IDiffusionBackend : IDisposable
{
    /// <summary>Where and how it computes, <c>torch cpu float32</c>.</summary>
    string Description { get; }

    /// <summary>Throws if images cannot fit into the memory beside the model, before any is begun. Does nothing where that cannot be known.</summary>
    /// <param name="width">Columns of each in pixels.</param>
    /// <param name="height">Rows of each in pixels.</param>
    /// <param name="rows">Rows that are denoised together: images, and those without prompt that guidance adds.</param>
    /// <exception cref="ControlNetException">They do not fit; the message names a size that does.</exception>
    void EnsureFits(int width, int height, int rows)
    {
    }

    /// <summary>Encodes one prompt.</summary>
    /// <param name="tokens">Token ids for each of the model's text encoders (one for SD1 and SD2, two for SDXL), start, end and padding included.</param>
    /// <param name="clipSkip">How many of the last layers to leave out, or null for what the family does by itself.</param>
    TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip);

    /// <summary>Prepares the networks for some images: all that stays the same over the steps is handed over once.</summary>
    /// <param name="inputs">Texts, hints and so on.</param>
    IDenoiser CreateDenoiser(DenoiserInputs inputs);

    /// <summary>Encodes an image: mean and log-variance of the posterior, without the scaling factor.</summary>
    /// <param name="image">[N, 3, H, W], from -1 to 1; H and W multiples of the autoencoder's scale factor.</param>
    (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image);

    /// <summary>Decodes latents to an image.</summary>
    /// <param name="latents">[N, C, h, w], already divided by the scaling factor.</param>
    /// <returns>[N, 3, H, W], about -1 to 1.</returns>
    TensorData DecodeImage(TensorData latents);
}

/// <summary>One control network behind the seam. Loaded by itself, so that it can be swapped without touching the base model.</summary>
public interface IControlBackend : IDisposable
{
    /// <summary>The network's shape.</summary>
    ControlNetConfig Config { get; }

    /// <summary>Encodes a condition: depends on the image alone, so once is enough.</summary>
    /// <param name="condition">[N, 3, H, W], from 0 to 1.</param>
    /// <returns>The hint, [N, C, h, w] in the latents' size.</returns>
    TensorData EncodeCondition(TensorData condition);

    /// <summary>Runs the network alone, to see what it would add.</summary>
    /// <param name="sample">The noisy latents, [N, C, h, w].</param>
    /// <param name="timestep">The timestep, which may be fractional.</param>
    /// <param name="inputs">Texts and, for SDXL, pooled texts and sizes, N rows each; its controls are not looked at.</param>
    /// <param name="hint">From <see cref="EncodeCondition"/>, [N, C, h, w].</param>
    /// <returns>One residual for each skip connection, in the encoder's order, and the middle's last.</returns>
    IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint);
}

/// <summary>The networks, prepared for some images.</summary>
public interface IDenoiser : IDisposable
{
    /// <summary>Predicts what the model predicts (noise or velocity) for every row.</summary>
    /// <param name="sample">[R, C, h, w]: the scaled latents; R as in the inputs.</param>
    /// <param name="timestep">The timestep, which may be fractional; the same for all rows.</param>
    /// <param name="controls">The control networks that matter in this step. A network that is not named is not run.</param>
    /// <param name="prediction">Receives [R, out channels, h, w].</param>
    void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction);
}

/// <summary>What stays the same over the steps. R rows: for n images, n or up to 2n, the unconditional ones first.</summary>
public sealed record DenoiserInputs
{
    /// <summary>Text embeddings, [R, tokens, width].</summary>
    public required TensorData Text { get; init; }

    /// <summary>SDXL: pooled text, [R, width].</summary>
    public TensorData? PooledText { get; init; }

    /// <summary>SDXL: original height and width, crop top and left, target height and width in pixels, [R, 6].</summary>
    public TensorData? TimeIds { get; init; }

    /// <summary>Distilled (LCM) models: the embedding of the guidance scale, [R, width].</summary>
    public TensorData? GuidanceCondition { get; init; }

    /// <summary>What the UNet alone sees behind the latents, [R, E, h, w]; null for models that take latents and nothing else.</summary>
    public TensorData? ExtraChannels { get; init; }

    /// <summary>The control networks and their hints, [R, C, h, w] each.</summary>
    public IReadOnlyList<(IControlBackend Network, TensorData Hint)> Controls { get; init; } = [];
}

/// <summary>One control network in one step.</summary>
/// <param name="Control">Which of <see cref="DenoiserInputs.Controls"/>.</param>
/// <param name="Scales">Factor of each residual in each row, [R, residuals], the middle one last. A row of zeros gets nothing and is not computed.</param>
public sealed record ControlStep(int Control, TensorData Scales);

/// <summary>An encoded prompt.</summary>
/// <param name="Hidden">[1, tokens, width].</param>
/// <param name="Pooled">SDXL: [1, width]; null else.</param>
public sealed record TextEmbedding(TensorData Hidden, TensorData? Pooled)
{
    /// <summary>Zeros of the same shape: what SDXL takes for an absent negative prompt.</summary>
    public TextEmbedding Zeros() => new(TensorData.Zeros(Hidden.Shape), Pooled is null ? null : TensorData.Zeros(Pooled.Shape));
}
