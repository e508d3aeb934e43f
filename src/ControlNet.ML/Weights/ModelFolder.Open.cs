using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights.Graphs;
using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Weights;

/// <content>How a model is opened: a folder or a single file.</content>
public sealed partial class ModelFolder
{
    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder that contains <c>model_index.json</c>, or at least the parts: weights or ONNX graphs.</param>
    /// <param name="variant">
    /// The variant of the weights to use, such as <c>fp16</c>; parts without it use their plain files, as in diffusers. Null for the plain
    /// files; a part that has only a variant uses that.
    /// </param>
    /// <param name="parts">The networks to load: of the others, only the configurations must exist.</param>
    /// <returns>The folder; no weights have been read.</returns>
    /// <exception cref="ControlNetException">
    /// The folder is missing, incomplete (the message lists everything that is missing) or invalid.
    /// </exception>
    public static ModelFolder Open(string path, string? variant = null, ModelParts parts = ModelParts.All) =>
        Open(path, new LoadOptions { Variant = variant, Parts = parts });

    /// <summary>Opens a folder or a single file.</summary>
    /// <param name="path">
    /// The folder that contains <c>model_index.json</c>, or at least the parts; or a file (.safetensors, .ckpt, .pth, .pt, .bin) in the
    /// original naming.
    /// </param>
    /// <param name="options">The variant, the networks to load, and what a single file does not contain.</param>
    /// <returns>The model; no weights have been read.</returns>
    /// <exception cref="ControlNetException">
    /// It is missing, incomplete (the message lists everything that is missing) or invalid.
    /// </exception>
    public static ModelFolder Open(string path, LoadOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        var folder = Directory.Exists(path) ? OpenFolder(path, options) : OpenFile(path, options);
        if (options.Vae is { } vae)
        {
            var place = ModelNames.FindVae(vae, options with { Progress = null });
            folder._vae = AutoencoderFile.Open(place, options.Variant, folder.Autoencoder);
            if (folder._vae.Config.LatentChannels != folder.Autoencoder.LatentChannels)
                throw new ControlNetException(
                    $"{vae}: this VAE has {folder._vae.Config.LatentChannels} latent channels, expected "
                        + $"{folder.Autoencoder.LatentChannels} as the model's own.");
            folder.Autoencoder = folder._vae.Config;
        }

        var (width, height) = folder.DefaultSize;
        return (ModelRequirements.OfSide(folder, width, "width") ?? ModelRequirements.OfSide(folder, height, "height")) is { } problem
            && folder.Generation is not { Width: null, Height: null }
            ? throw new ControlNetException($"{GenerationConfig.FileName}: {problem}")
            : folder;
    }

    private static ModelFolder OpenFolder(string path, LoadOptions options)
    {
        var root = System.IO.Path.GetFullPath(path);
        if (GraphFolder.IsIn(root) && (!HasWeights(root) || Backends.PrefersGraphs(options.Backend)))
            return OpenGraphs(path, root, options);
        var indexPath = System.IO.Path.Combine(root, IndexName);
        var index = File.Exists(indexPath)
            ? ModelIndex.Parse(JsonText.ReadFile(indexPath, IndexName), IndexName)
            : ModelIndex.Guess(Directory.Exists(System.IO.Path.Combine(root, "text_encoder_2")));
        if (!File.Exists(indexPath) && !Directory.Exists(System.IO.Path.Combine(root, "unet")))
        {
            if (ForeignModel.DescribeCache(path) is { } cache)
                throw new ControlNetException($"{path}: {cache}; expected a model folder with {IndexName}.");
            var files = ForeignModel.WeightFiles(root);
            if (files is [var only])
                return OpenFile(
                    only, options, $"{path}: has no {IndexName}; its only weight file is used: {System.IO.Path.GetFileName(only)}.");
            if (files.Count > 1)
                throw new ControlNetException(
                    $"{path}: has no {IndexName} and several weight files, expected one of them to be named: "
                        + $"{Message.List([.. files.Select(file => Message.Name(System.IO.Path.GetFileName(file)))])}.");
        }

        RequireNoneOfSingleFiles(path, options);
        var folders = new FolderParts(root, index, options.Variant);
        folders.Require(options.Parts, supplied: options.Vae is null ? ModelParts.None : ModelParts.Autoencoder);
        return new ModelFolder(root, index, options.Variant, options.Parts, folders)
        {
            Generation = GenerationConfig.Read(root),
            UNet = Config(root, "unet", UNetConfig.Parse),
            Autoencoder = options.Vae is null || File.Exists(System.IO.Path.Combine(root, "vae", "config.json"))
                ? Config(root, "vae", AutoencoderConfig.Parse)
                : AutoencoderConfig.StableDiffusion15 with
                {
                    ScalingFactor = (index.IsXL ? ModelFamily.SDXL : ModelFamily.SD1).ScalingFactor(),
                },
            TextEncoder = Config(root, "text_encoder", ClipTextConfig.Parse),
            TextEncoder2 = index.IsXL ? Config(root, "text_encoder_2", ClipTextConfig.Parse) : null,
        };
    }

    /// <summary>Whether a folder has the weights of a UNet.</summary>
    private static bool HasWeights(string root) =>
        Weights.PartFiles.Find(System.IO.Path.Combine(root, "unet"), NetworkKind.UNet, null) is not null;

    private static ModelFolder OpenGraphs(string path, string root, LoadOptions options)
    {
        RequireNoneOfSingleFiles(path, options);
        var graphs = GraphFolder.Open(root, options);
        var unet = graphs.ReadUNet();
        return new ModelFolder(root, graphs.Index, options.Variant, options.Parts, graphs)
        {
            Generation = GenerationConfig.Read(root),
            UNet = unet,
            Autoencoder = graphs.ReadAutoencoder(unet),
            TextEncoder = graphs.ReadTextEncoder("text_encoder"),
            TextEncoder2 = graphs.Index.IsXL ? graphs.ReadTextEncoder("text_encoder_2") : null,
            _warning = graphs.Warning,
        };
    }

    /// <summary>An option that has no effect would be taken for one that has.</summary>
    private static void RequireNoneOfSingleFiles(string path, LoadOptions options)
    {
        var given = options.Config is not null ? "--config (LoadOptions.Config)"
            : options.PredictionType is not null ? "--prediction-type (LoadOptions.PredictionType)"
            : options.ExtractEma ? "--extract-ema (LoadOptions.ExtractEma)"
            : null;
        if (given is not null)
            throw new ControlNetException(
                $"{path}: is a model folder, which has its own settings; {given} is for models in a single file.");
    }

    private static ModelFolder OpenFile(string path, LoadOptions options, string? warning = null)
    {
        if (!File.Exists(path))
            throw new ControlNetException($"{path}: does not exist, expected a model folder with {IndexName}, or a single file.");
        var file = CheckpointFile.Open(path, options);
        return new ModelFolder(System.IO.Path.GetFullPath(path), file.Index, options.Variant, options.Parts, file)
        {
            Generation = file.Generation,
            UNet = file.UNet,
            Autoencoder = file.Autoencoder,
            TextEncoder = file.TextEncoder,
            TextEncoder2 = file.TextEncoder2,
            _warning = warning,
        };
    }

    private delegate T Parser<T>(ReadOnlySpan<byte> json, string source);

    private static T Config<T>(string root, string part, Parser<T> parse)
    {
        var source = part + "/config.json";
        return parse(JsonText.ReadFile(System.IO.Path.Combine(root, part, "config.json"), source), source);
    }
}
