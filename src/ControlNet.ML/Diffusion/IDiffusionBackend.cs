using ControlNet.ML.Adapters;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The interface between the managed code and the networks of one base model: schedulers, guidance and loops are on this side, layers on
/// the other. Implementations need not be thread-safe.
/// </summary>
public interface IDiffusionBackend : IDisposable
{
    /// <summary>The runtime, device and precision, such as <c>torch cpu float32</c>.</summary>
    string Description { get; }

    /// <summary>
    /// Throws before any work starts if images do not fit into memory beside the model. Does nothing if this cannot be known.
    /// </summary>
    /// <param name="width">Width of each image in pixels.</param>
    /// <param name="height">Height of each image in pixels.</param>
    /// <param name="rows">Rows that are denoised together: one per image, and one more for each unconditional pass.</param>
    /// <exception cref="ControlNetException">They do not fit; the message names a size that fits.</exception>
    void EnsureFits(int width, int height, int rows)
    {
    }

    /// <summary>
    /// Reads the weights of networks that are still in their files, so that it can be cancelled; otherwise their first use reads them.
    /// </summary>
    /// <param name="parts">The networks that are about to be used.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <exception cref="ControlNetException">A file has changed, or there is not enough memory.</exception>
    void Read(ModelParts parts, CancellationToken cancellationToken)
    {
    }

    /// <summary>What the backend has done to its weights since it was opened.</summary>
    WeightCounters Counters => default;

    /// <summary>
    /// Sets the LoRAs whose changes are in the networks' weights. Only weights that other LoRAs or other factors now apply to are computed;
    /// nothing is read again, and without LoRAs every weight has its first value, bit for bit.
    /// </summary>
    /// <param name="parts">The networks to change; the others keep theirs.</param>
    /// <param name="loras">All LoRAs that apply, in order; none restores the weights.</param>
    /// <exception cref="ControlNetException">There is not enough memory, or the backend takes no LoRAs.</exception>
    void SetLoras(ModelParts parts, IReadOnlyList<WeightedLora> loras)
    {
        ArgumentNullException.ThrowIfNull(loras);
        if (loras.Count > 0)
            throw new ControlNetException($"The runtime '{Description}' takes no LoRAs.");
    }

    /// <summary>Sets the vectors of added tokens.</summary>
    /// <param name="encoder">The text encoder, 0 or 1.</param>
    /// <param name="first">The first added id: this and all later ones are looked up in the vectors.</param>
    /// <param name="vectors">[added tokens, width]; no rows for none.</param>
    /// <exception cref="ControlNetException">The backend takes no added tokens.</exception>
    void SetTokenVectors(int encoder, int first, TensorData vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        if (vectors.Count > 0)
            throw new ControlNetException($"The runtime '{Description}' takes no added tokens.");
    }

    /// <summary>Encodes one prompt, or one window of a long prompt.</summary>
    /// <param name="tokens">
    /// Token ids for each of the model's text encoders (one for SD1 and SD2, two for SDXL), including start, end and padding.
    /// </param>
    /// <param name="clipSkip">Clip skip: the number of last layers to skip, or null for the family's default.</param>
    /// <returns>The hidden states and, for SDXL, the pooled text.</returns>
    TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip);

    /// <summary>Prepares the networks for a batch: everything that stays the same in all steps is passed once.</summary>
    /// <param name="inputs">Texts, hints, sizes and so on.</param>
    /// <returns>The prepared networks; the caller disposes them.</returns>
    IDenoiser CreateDenoiser(DenoiserInputs inputs);

    /// <summary>Encodes an image: mean and log-variance of the posterior, before scaling.</summary>
    /// <param name="image">[N, 3, H, W], from -1 to 1; H and W multiples of the autoencoder's scale factor.</param>
    /// <returns>Mean and log-variance, [1, C, h, w] each.</returns>
    (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image);

    /// <summary>Decodes latents to an image.</summary>
    /// <param name="latents">[N, C, h, w], already divided by the scaling factor.</param>
    /// <returns>[N, 3, H, W], about -1 to 1.</returns>
    TensorData DecodeImage(TensorData latents);
}

/// <summary>One control network of a backend. Loaded separately, so that it can be swapped without touching the base model.</summary>
public interface IControlBackend : IDisposable
{
    /// <summary>The network's configuration.</summary>
    ControlNetConfig Config { get; }

    /// <summary>Encodes a condition. It depends on the condition alone, so once is enough.</summary>
    /// <param name="condition">[N, 3, H, W], from 0 to 1.</param>
    /// <returns>
    /// The hint, <see cref="HintShape"/> of the condition's size: [N, C, h, w] at the latents' size; or the condition itself, where the
    /// network cannot be run without its condition encoder.
    /// </returns>
    TensorData EncodeCondition(TensorData condition);

    /// <summary>The shape of the hint of one condition.</summary>
    /// <param name="width">Width of the condition in pixels.</param>
    /// <param name="height">Height of the condition in pixels.</param>
    /// <returns>[1, C, h, w].</returns>
    IReadOnlyList<int> HintShape(int width, int height) =>
        [1, Config.BlockOutChannels[0], height / Config.ConditionScale, width / Config.ConditionScale];

    /// <summary>Runs the network alone and returns its residuals.</summary>
    /// <param name="sample">The noisy latents, [N, C, h, w].</param>
    /// <param name="timestep">The timestep, which may be fractional.</param>
    /// <param name="inputs">Texts and, for SDXL, pooled texts and sizes, N rows each; its controls are ignored.</param>
    /// <param name="hint">From <see cref="EncodeCondition"/>, N rows.</param>
    /// <returns>One residual for each skip connection, in the encoder's order, and the middle block's last.</returns>
    IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint);
}

/// <summary>The networks, prepared for a batch.</summary>
public interface IDenoiser : IDisposable
{
    /// <summary>Runs the model: predicts the noise or velocity for every row.</summary>
    /// <param name="sample">The scaled latents, [R, C, h, w]; R as in the inputs.</param>
    /// <param name="timestep">The timestep, which may be fractional; the same for all rows.</param>
    /// <param name="controls">The control networks that are active in this step. The others are not run.</param>
    /// <param name="prediction">Receives [R, out channels, h, w].</param>
    void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction);

    /// <summary>Runs the model, with results of an earlier step where <see cref="DenoiserInputs.Approximation"/> asks for it.</summary>
    /// <param name="sample">The scaled latents, [R, C, h, w].</param>
    /// <param name="timestep">The timestep; the same for all rows.</param>
    /// <param name="controls">The control networks that are active in this step, as in the step whose results are taken.</param>
    /// <param name="reuse">What is taken from an earlier step.</param>
    /// <param name="prediction">Receives [R, out channels, h, w].</param>
    /// <exception cref="ControlNetException">The backend keeps no results.</exception>
    void Predict(
        TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, StepReuse reuse, TensorData prediction)
    {
        if (reuse != StepReuse.None)
            throw new ControlNetException("This runtime keeps no results from step to step: expected intervals of 1.");
        Predict(sample, timestep, controls, prediction);
    }
}

/// <summary>The inputs that stay the same in all steps. R rows: for n images, n or up to 2n, the unconditional ones first.</summary>
public sealed record DenoiserInputs
{
    /// <summary>Text embeddings, [R, tokens, width].</summary>
    public required TensorData Text { get; init; }

    /// <summary>SDXL: pooled text embeddings, [R, width].</summary>
    public TensorData? PooledText { get; init; }

    /// <summary>SDXL size conditioning: original height and width, crop top and left, target height and width in pixels, [R, 6].</summary>
    public TensorData? TimeIds { get; init; }

    /// <summary>Distilled (LCM) models: the embedding of the guidance scale, [R, width].</summary>
    public TensorData? GuidanceCondition { get; init; }

    /// <summary>
    /// UNet input channels concatenated to the latents, [R, E, h, w]; null for models without them. Control networks do not receive them.
    /// </summary>
    public TensorData? ExtraChannels { get; init; }

    /// <summary>What the steps leave out. A backend that cannot keep what it <see cref="Approximation.Reuses"/> refuses it.</summary>
    public Approximation Approximation { get; init; } = new();

    /// <summary>The control networks and their hints, R rows each, see <see cref="IControlBackend.HintShape"/>.</summary>
    public IReadOnlyList<(IControlBackend Network, TensorData Hint)> Controls { get; init; } = [];
}

/// <summary>One control network in one step.</summary>
/// <param name="Control">Index into <see cref="DenoiserInputs.Controls"/>.</param>
/// <param name="Scales">Scale of each residual in each row, [R, residuals], the middle one last. Rows of zeros are not computed.</param>
public sealed record ControlStep(int Control, TensorData Scales);

/// <summary>An encoded prompt.</summary>
/// <param name="Hidden">[1, tokens, width]; the tokens of all windows.</param>
/// <param name="Pooled">SDXL: [1, width]; otherwise null.</param>
public sealed record TextEmbedding(TensorData Hidden, TensorData? Pooled)
{
    /// <summary>The number of tokens, those of all windows.</summary>
    internal int Tokens => Hidden.Shape[1];

    /// <summary>Zeros of the same shape: SDXL's embedding of an absent negative prompt.</summary>
    /// <returns>A new embedding.</returns>
    public TextEmbedding Zeros() => new(TensorData.Zeros(Hidden.Shape), Pooled is null ? null : TensorData.Zeros(Pooled.Shape));
}
