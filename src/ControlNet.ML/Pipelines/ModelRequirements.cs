using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Pipelines;

/// <summary>A model's requirements for images and control networks, known from its configurations alone.</summary>
internal static class ModelRequirements
{
    private const int MaxSide = 8192;

    /// <summary>Why a model cannot generate images with a side of this length; null if it can.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="side">The side in pixels.</param>
    /// <param name="name">The side's name, such as <c>Width</c>.</param>
    public static string? OfSide(ModelFolder folder, int side, string name)
    {
        var scale = folder.Autoencoder.ScaleFactor;
        if (side < scale || side % scale != 0)
            return $"{name} is {side}, expected a multiple of {scale}: "
                + $"{Math.Max(scale, side / scale * scale)} or {((side / scale) + 1) * scale}.";
        return side > MaxSide ? $"{name} is {side}, expected at most {MaxSide:N0}." : null;
    }

    /// <summary>The largest clip skip: the number of layers below the one that the model reads.</summary>
    public static int MaxClipSkip(ModelFolder folder) => folder.TextEncoder2 is { } second
        ? Math.Min(folder.TextEncoder.NumHiddenLayers, second.NumHiddenLayers) - 1
        : folder.TextEncoder.NumHiddenLayers;

    /// <summary>Why a model cannot take a clip skip; null if it can.</summary>
    public static string? OfClipSkip(ModelFolder folder, int? clipSkip) => clipSkip > MaxClipSkip(folder)
        ? $"Clip skip is {clipSkip}, expected at most {MaxClipSkip(folder)}, for the layers of the text encoder."
        : null;

    /// <summary>Throws unless the model gets exactly the inputs that its UNet takes.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="folder">The model.</param>
    /// <param name="mask">Whether there is an initial image with a mask.</param>
    /// <param name="depth">Whether there is an initial image with depths.</param>
    /// <exception cref="ControlNetException">An input is missing, or the model does not take it.</exception>
    public static void CheckInputs(string name, ModelFolder folder, bool mask, bool depth)
    {
        if (depth && folder.Task != ModelTask.DepthToImage)
            throw new ControlNetException($"{name}: has no depth input, expected a depth model or no {nameof(ImageInput.Depth)}.");
        var missing = folder.Task switch
        {
            ModelTask.TextToImage => null,
            ModelTask.DepthToImage => depth ? null : $"a depth model needs an initial image with {nameof(ImageInput.Depth)}",
            ModelTask.Inpainting => mask ? null : $"an inpainting model needs an initial image with a {nameof(ImageInput.Mask)}",
            _ => "unsupported UNet input layout",
        };
        if (missing is not null)
            throw new ControlNetException(
                $"{name}: its UNet takes {folder.UNet.InChannels} channels, the latents have {folder.Autoencoder.LatentChannels}: "
                    + $"{missing}.");
    }

    /// <summary>Throws unless a control network fits a model.</summary>
    /// <exception cref="ControlNetException">It is of another family.</exception>
    public static void CheckFamily(DiffusionModel model, ControlNetwork network) => CheckFamily(model, network.Name, network.Config);

    /// <summary><see cref="CheckFamily(DiffusionModel, ControlNetwork)"/>, before the network is loaded.</summary>
    public static void CheckFamily(DiffusionModel model, string name, ControlNetConfig config) =>
        CheckFamily(model.Name, model.Folder, name, config);

    /// <summary><see cref="CheckFamily(DiffusionModel, ControlNetwork)"/>, before either is loaded.</summary>
    public static void CheckFamily(string model, ModelFolder folder, string name, ControlNetConfig config)
    {
        var unet = folder.UNet;
        var differences = new List<string>();

        // A network without cross-attention ignores the text width.
        if (config.AttendsToText)
            Compare("text width", config.CrossAttentionDim, unet.CrossAttentionDim);
        if (!config.BlockOutChannels.AsSpan().SequenceEqual(unet.BlockOutChannels))
            differences.Add($"channels {string.Join(", ", config.BlockOutChannels)}, expected {string.Join(", ", unet.BlockOutChannels)}");
        Compare("blocks per level", config.LayersPerBlock, unet.LayersPerBlock);
        Compare("input channels", config.InChannels, folder.Autoencoder.LatentChannels);
        if (config is { Lite: false, AdditionEmbedType: not null })
            Compare("pooled text width", PooledWidth(config), PooledWidth(unet));
        if (differences.Count > 0)
            throw new ControlNetException(
                $"The control network '{name}' is of another family than the model '{model}': "
                    + $"it has {string.Join("; ", differences)}.");

        void Compare(string what, int found, int expected)
        {
            if (found != expected)
                differences.Add($"{what} {found}, expected {expected}");
        }
    }

    /// <summary>Width of the pooled text, which precedes six embeddings of size and crop; 0 without it.</summary>
    private static int PooledWidth(EncoderConfig config) =>
        config.AdditionEmbedType is null ? 0 : config.ProjectionClassEmbeddingsInputDim!.Value - (6 * config.AdditionTimeEmbedDim!.Value);
}
