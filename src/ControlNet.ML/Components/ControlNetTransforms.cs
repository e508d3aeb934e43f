using ControlNet.ML.Conditions;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// The components of ControlNet.ML, as estimators. A condition takes the name of the column to add, the column to read (null for the same
/// name), the condition's options and the component's options; null gives the defaults of either.
/// </summary>
/// <remarks>
/// A saved model may be untrusted: anything wrong with a component in it, be it damage, a path that leads out of its folder or weights that
/// have changed, makes <c>mlContext.Model.Load</c> throw a <see cref="System.Reflection.TargetInvocationException"/>, which ML.NET wraps
/// around it, whose <see cref="Exception.GetBaseException"/> is a <see cref="ControlNetException"/> that names the entry.
/// docs/components.md describes what is read.
/// </remarks>
public sealed partial class ControlNetTransforms
{
    private readonly IHostEnvironment _environment;

    internal ControlNetTransforms(IHostEnvironment environment) => _environment = environment;

    /// <summary>The environment that the components belong to.</summary>
    internal IHostEnvironment Environment => _environment;

    /// <summary>Generates an image from each row's prompt, controlled by its conditions.</summary>
    /// <param name="outputColumnName">The image column to add.</param>
    /// <param name="promptColumnName">The text column with the prompts.</param>
    /// <param name="model">
    /// The model. The caller keeps ownership and disposes it after the last row; a saved component opens its own when it is loaded.
    /// </param>
    /// <param name="controls">Control networks with the columns of their conditions; null or empty for none.</param>
    /// <param name="options">Steps, guidance scale, size, columns with per-row settings; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">A network is of another family than the model, or an option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public GenerateEstimator Generate(
        string outputColumnName,
        string promptColumnName,
        DiffusionModel model,
        IReadOnlyList<ControlColumn>? controls = null,
        GenerateComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return new(_environment, new GenerateStage(outputColumnName, promptColumnName, model, [.. controls ?? []], options ?? new()));
    }

    /// <summary>Encodes each row's prompt and negative prompt.</summary>
    /// <param name="outputColumnName">The vector column to add.</param>
    /// <param name="promptColumnName">The text column with the prompts; null for the output's name.</param>
    /// <param name="model">The model; the caller keeps ownership, as for <see cref="Generate"/>.</param>
    /// <param name="options">Negative prompts, how prompts are read, clip skip, batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public EncodeTextEstimator EncodeText(
        string outputColumnName, string? promptColumnName, DiffusionModel model, EncodeTextComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return new(_environment, new EncodeTextStage(outputColumnName, promptColumnName, model, options ?? new()));
    }

    /// <summary>Encodes each row's condition with a control network.</summary>
    /// <param name="outputColumnName">The vector column to add.</param>
    /// <param name="inputColumnName">
    /// The image column with the conditions, stretched to the given size where theirs differs; null for the output's name.
    /// </param>
    /// <param name="network">The control network; the caller keeps ownership, as for <see cref="Generate"/>.</param>
    /// <param name="width">Width of the generated images in pixels, a multiple of 8.</param>
    /// <param name="height">Height of the generated images in pixels, a multiple of 8.</param>
    /// <param name="options">Batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">
    /// A side is not a multiple of the network's scale factor, or an option is out of its range.
    /// </exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public EncodeConditionEstimator EncodeCondition(
        string outputColumnName,
        string? inputColumnName,
        ControlNetwork network,
        int width,
        int height,
        NetworkComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(network);
        return new(_environment, new EncodeConditionStage(outputColumnName, inputColumnName, network, width, height, options ?? new()));
    }

    /// <summary>Encodes each row's image to latents.</summary>
    /// <param name="outputColumnName">The vector column to add.</param>
    /// <param name="inputColumnName">The image column; null for the output's name.</param>
    /// <param name="model">The model; the caller keeps ownership, as for <see cref="Generate"/>.</param>
    /// <param name="options">Size, batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public EncodeImageEstimator EncodeImage(
        string outputColumnName, string? inputColumnName, DiffusionModel model, EncodeImageComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return new(_environment, new EncodeImageStage(outputColumnName, inputColumnName, model, options ?? new()));
    }

    /// <summary>Denoises latents from noise, guided by each row's text and controls.</summary>
    /// <param name="outputColumnName">The vector column to add.</param>
    /// <param name="textColumnName">The column of <see cref="EncodeText"/>; null for the output's name.</param>
    /// <param name="model">The model; the caller keeps ownership, as for <see cref="Generate"/>.</param>
    /// <param name="controls">Control networks with the columns of <see cref="EncodeCondition"/>; null or empty for none.</param>
    /// <param name="options">Steps, guidance scale, size, columns with per-row settings; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">A network is of another family than the model, or an option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public DenoiseEstimator Denoise(
        string outputColumnName,
        string? textColumnName,
        DiffusionModel model,
        IReadOnlyList<ControlColumn>? controls = null,
        DenoiseComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return new(_environment, new DenoiseStage(outputColumnName, textColumnName, model, [.. controls ?? []], options ?? new()));
    }

    /// <summary>Decodes each row's latents to an image.</summary>
    /// <param name="outputColumnName">The image column to add.</param>
    /// <param name="latentsColumnName">
    /// The column of <see cref="Denoise"/> or <see cref="EncodeImage"/>; null for the output's name.
    /// </param>
    /// <param name="model">The model; the caller keeps ownership, as for <see cref="Generate"/>.</param>
    /// <param name="options">Batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public DecodeImageEstimator DecodeImage(
        string outputColumnName, string? latentsColumnName, DiffusionModel model, NetworkComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return new(_environment, new DecodeImageStage(outputColumnName, latentsColumnName, model, options ?? new()));
    }

    /// <summary>Computes any condition, by its name.</summary>
    /// <param name="outputColumnName">The image column to add.</param>
    /// <param name="inputColumnName">
    /// The column to read: images, or the bytes of image files (<c>LoadRawImageBytes</c>), which keep the 16 bits of depth maps; null for
    /// the output's name.
    /// </param>
    /// <param name="kind">The condition's name, one of <see cref="ConditionCatalog.All"/>, in upper or lower case.</param>
    /// <param name="options">The condition's options, of its <see cref="ConditionKind.OptionsType"/>; null for the defaults.</param>
    /// <param name="component">Size, batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">There is no such condition, or an option is out of its range.</exception>
    /// <exception cref="ArgumentException">The options belong to another condition, or the error column is the output column.</exception>
    public ConditionEstimator Condition(
        string outputColumnName,
        string? inputColumnName,
        string kind,
        object? options = null,
        ConditionComponentOptions? component = null) =>
        new(_environment, new ConditionStage(outputColumnName, inputColumnName, ConditionCatalog.Find(kind), options, component));

    /// <summary>Canny's edges, white on black.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Canny(
        string outputColumnName,
        string? inputColumnName = null,
        CannyOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "canny", options, component);

    /// <summary>The strokes of a drawing, dark on light, as white on black.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Scribble(
        string outputColumnName,
        string? inputColumnName = null,
        ScribbleOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "scribble", options, component);

    /// <summary>A scribble of a photograph by the difference of two Gaussians.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator ScribbleXDoG(
        string outputColumnName,
        string? inputColumnName = null,
        ScribbleXDoGOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "scribble_xdog", options, component);

    /// <summary>Lines: pixels that are darker than their surroundings.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator LineArtStandard(
        string outputColumnName,
        string? inputColumnName = null,
        LineArtStandardOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "lineart_standard", options, component);

    /// <summary>The image's negative: dark lines on white become white on black.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Invert(
        string outputColumnName, string? inputColumnName = null, ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "invert", null, component);

    /// <summary>Black and white, by a threshold.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Threshold(
        string outputColumnName,
        string? inputColumnName = null,
        ThresholdOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "threshold", options, component);

    /// <summary>The image, blurred.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Blur(
        string outputColumnName,
        string? inputColumnName = null,
        BlurOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "blur", options, component);

    /// <summary>The image without its fine detail.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Tile(
        string outputColumnName,
        string? inputColumnName = null,
        TileOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "tile", options, component);

    /// <summary>Perceived brightness, for recoloring.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator RecolorLuminance(
        string outputColumnName,
        string? inputColumnName = null,
        RecolorOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "recolor_luminance", options, component);

    /// <summary>The strongest channel, for recoloring.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator RecolorIntensity(
        string outputColumnName,
        string? inputColumnName = null,
        RecolorOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "recolor_intensity", options, component);

    /// <summary>The image's colors and textures, rearranged by a seed.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator Shuffle(
        string outputColumnName,
        string? inputColumnName = null,
        ShuffleOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "shuffle", options, component);

    /// <summary>Large squares of one color each.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator ColorGrid(
        string outputColumnName,
        string? inputColumnName = null,
        ColorGridOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "color_grid", options, component);

    /// <summary>The depths of a depth map, scaled to the full range, near bright.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator DepthMap(
        string outputColumnName,
        string? inputColumnName = null,
        DepthOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "depth_map", options, component);

    /// <summary>The surface normals of a depth map.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator NormalMap(
        string outputColumnName,
        string? inputColumnName = null,
        NormalsOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "normal_map", options, component);

    /// <summary>A segmentation map's labels or nearest colors, in the colors of a palette.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator SegmentationMap(
        string outputColumnName,
        string? inputColumnName = null,
        SegmentationMapOptions? options = null,
        ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "segmentation_map", options, component);

    /// <summary>The image itself is the condition.</summary>
    /// <inheritdoc cref="Condition"/>
    public ConditionEstimator None(string outputColumnName, string? inputColumnName = null, ConditionComponentOptions? component = null) =>
        Condition(outputColumnName, inputColumnName, "none", null, component);
}
