using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>What a model makes of the wishes for one image, the same for a single image and for rows of a table.</summary>
internal static class GenerationParts
{
    private const int MaxSide = 8192;
    private const int DepthChannels = 1;

    /// <summary>Whether there is a second, unconditional pass: distilled models take guidance as a condition instead.</summary>
    public static bool IsGuided(DiffusionModel model, double guidance) => guidance > 1 && model.Folder.UNet.TimeCondProjDim is null;

    /// <summary>Whether an absent negative prompt is zeros rather than an empty text.</summary>
    public static bool NegativeIsZero(DiffusionModel model, string? prompt) =>
        prompt is null && model.Folder.Index is { IsXL: true, ForceZerosForEmptyPrompt: true };

    /// <summary>The negative prompt, null for no wish; as in diffusers, clip skip does not apply to it.</summary>
    public static TextEmbedding Negative(DiffusionModel model, string? prompt, TextEmbedding text, ICollection<string> warnings) =>
        NegativeIsZero(model, prompt)
            ? text.Zeros()
            : model.EncodeText(prompt ?? "", clipSkip: null, warnings);

    /// <summary>The starting noise of an image, [1, C, h, w].</summary>
    public static TensorData Noise(DiffusionModel model, TorchRandom random, int width, int height)
    {
        var scale = model.Folder.Autoencoder.ScaleFactor;
        var noise = TensorData.Zeros(1, model.Folder.Autoencoder.LatentChannels, height / scale, width / scale);
        random.FillNormal(noise.Values);
        return noise;
    }

    /// <summary>SDXL's size conditioning; null for other families.</summary>
    public static int[]? TimeIds(DiffusionModel model, int width, int height, SizeConditioning? wanted = null)
    {
        if (model.Folder.UNet.AdditionEmbedType is null)
            return null;
        var sizes = wanted ?? new SizeConditioning(height, width, 0, 0, height, width);
        return [sizes.OriginalHeight, sizes.OriginalWidth, sizes.CropTop, sizes.CropLeft, sizes.TargetHeight, sizes.TargetWidth];
    }

    /// <summary>A side in pixels, that which the model was trained with if none is wanted.</summary>
    /// <exception cref="ArgumentException">It is no multiple of the autoencoder's factor, or too long.</exception>
    public static int Side(DiffusionModel model, int? wanted, string name)
    {
        var scale = model.Folder.Autoencoder.ScaleFactor;
        var side = wanted ?? model.NativeSize;
        if (side < scale || side % scale != 0)
            throw new ArgumentException($"{name} is {side}, expected a multiple of {scale}: {Math.Max(scale, side / scale * scale)} or {((side / scale) + 1) * scale}.");
        if (side > MaxSide)
            throw new ArgumentException($"{name} is {side}, expected at most {MaxSide:N0}.");
        return side;
    }

    /// <summary>Throws unless the model gets what its UNet takes, and no more.</summary>
    /// <param name="model">The model.</param>
    /// <param name="mask">Whether there is an image to begin from, with a mask.</param>
    /// <param name="depth">Whether there is one with depths.</param>
    /// <exception cref="ControlNetException">It does not.</exception>
    public static void CheckInputs(DiffusionModel model, bool mask, bool depth) => CheckInputs(model.Name, model.Folder, mask, depth);

    /// <summary><see cref="CheckInputs(DiffusionModel, bool, bool)"/> before the model is loaded.</summary>
    public static void CheckInputs(string name, ModelFolder folder, bool mask, bool depth)
    {
        var (channels, latents) = (folder.UNet.InChannels, folder.Autoencoder.LatentChannels);
        if (depth && channels != latents + DepthChannels)
            throw new ControlNetException($"{name}: has no input for depths, expected a depth model or no {nameof(ImageInput.Depth)}.");
        var missing = (channels - latents) switch
        {
            0 => null,
            DepthChannels => depth ? null : $"a depth model needs an image to begin from, with its {nameof(ImageInput.Depth)}",
            var beside when beside == latents + 1 => mask ? null : $"an inpainting model needs an image to begin from, with a {nameof(ImageInput.Mask)}",
            _ => "of this kind of model nothing is known",
        };
        if (missing is not null)
            throw new ControlNetException($"{name}: its UNet takes {channels} channels, the latents have {latents}: {missing}.");
    }

    /// <summary>Throws unless a control network fits a model.</summary>
    /// <exception cref="ControlNetException">It is of another family.</exception>
    public static void CheckFamily(DiffusionModel model, ControlNetwork network) => CheckFamily(model, network.Name, network.Config);

    /// <summary><see cref="CheckFamily(DiffusionModel, ControlNetwork)"/> before the network is loaded.</summary>
    public static void CheckFamily(DiffusionModel model, string name, ControlNetConfig config)
    {
        var unet = model.Folder.UNet;
        var differences = new List<string>();

        // A network without attention to the text never sees its width.
        if (config.AttendsToText)
            Compare("text width", config.CrossAttentionDim, unet.CrossAttentionDim);
        if (!config.BlockOutChannels.AsSpan().SequenceEqual(unet.BlockOutChannels))
            differences.Add($"channels {string.Join(", ", config.BlockOutChannels)}, expected {string.Join(", ", unet.BlockOutChannels)}");
        Compare("blocks a level", config.LayersPerBlock, unet.LayersPerBlock);
        Compare("input channels", config.InChannels, model.Folder.Autoencoder.LatentChannels);
        if (config is { Lite: false, AdditionEmbedType: not null })
            Compare("pooled text width", PooledWidth(config), PooledWidth(unet));
        if (differences.Count > 0)
            throw new ControlNetException($"The control network '{name}' is of another family than the model '{model.Name}': it has {string.Join("; ", differences)}.");

        void Compare(string what, int found, int expected)
        {
            if (found != expected)
                differences.Add($"{what} {found}, expected {expected}");
        }
    }

    /// <summary>Columns of the pooled text, which stands before six embeddings of size and crop; 0 without.</summary>
    private static int PooledWidth(EncoderConfig config) =>
        config.AdditionEmbedType is null ? 0 : config.ProjectionClassEmbeddingsInputDim!.Value - (6 * config.AdditionTimeEmbedDim!.Value);
}
