using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;
using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Weights;

/// <summary>
/// A model in diffusers' layout: <c>model_index.json</c> and a folder for each part; or a single file, which is read as if it were one.
/// Opening reads and checks all configurations and finds the weight files; the weights themselves are opened part by part.
/// </summary>
public sealed class ModelFolder
{
    /// <summary>The index's name.</summary>
    internal const string IndexName = "model_index.json";

    private readonly IModelParts _parts;
    private AutoencoderFile? _vae;
    private string? _warning;

    private ModelFolder(string path, ModelIndex index, string? variant, ModelParts loaded, IModelParts parts) =>
        (Path, Index, Variant, Loaded, _parts) = (path, index, variant, loaded, parts);

    /// <summary>The full path of the folder or single file.</summary>
    public string Path { get; }

    /// <summary>The pipeline, from the index or inferred from the parts.</summary>
    public ModelIndex Index { get; }

    /// <summary>The requested variant, or null.</summary>
    public string? Variant { get; }

    /// <summary>The networks that can be loaded: those whose weights were required.</summary>
    public ModelParts Loaded { get; }

    /// <summary>The UNet's configuration.</summary>
    public UNetConfig UNet { get; private init; } = new();

    /// <summary>The autoencoder's configuration.</summary>
    public AutoencoderConfig Autoencoder { get; private set; } = new();

    /// <summary>The text encoder's configuration.</summary>
    public ClipTextConfig TextEncoder { get; private init; } = new();

    /// <summary>The second text encoder's configuration; null except for SDXL.</summary>
    public ClipTextConfig? TextEncoder2 { get; private init; }

    /// <summary>The UNet's task, which its input channels determine.</summary>
    public ModelTask Task => (UNet.InChannels - Autoencoder.LatentChannels) switch
    {
        0 => ModelTask.TextToImage,
        1 => ModelTask.DepthToImage,
        var extra when extra == Autoencoder.LatentChannels + 1 => ModelTask.Inpainting,
        _ => ModelTask.Unsupported,
    };

    /// <summary>The image size in pixels that the model was trained with, 512 for Stable Diffusion 1.</summary>
    internal int NativeSize => UNet.TrainedSide * Autoencoder.ScaleFactor;

    /// <summary>Whether the model is a single file.</summary>
    public bool IsSingleFile => _parts is CheckpointFile;

    /// <summary>The model's own defaults for generation.</summary>
    public GenerationConfig Generation { get; private init; } = new();

    /// <summary>Width and height in pixels of an image for which none are given.</summary>
    internal (int Width, int Height) DefaultSize => (Generation.Width ?? NativeSize, Generation.Height ?? NativeSize);

    /// <summary>Warnings: unknown keys in any of the files, a choice that was made.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. Index.Warnings, .. Generation.Warnings, .. UNet.Warnings, .. Autoencoder.Warnings, .. TextEncoder.Warnings,
        .. TextEncoder2?.Warnings ?? [], .. _warning is null ? Array.Empty<string>() : [_warning],
    ];

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder that contains <c>model_index.json</c>, or at least the parts.</param>
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

    /// <summary>The folder of a part.</summary>
    /// <param name="part">The part, one of <see cref="ModelIndex.Parts"/>.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="ArgumentException">The model has no such part.</exception>
    /// <exception cref="InvalidOperationException">The model is a single file.</exception>
    public string Folder(string part) =>
        _parts is FolderParts folders
            ? folders.Folder(part)
            : throw new InvalidOperationException($"{Path} is a single file, which has no folders.");

    /// <summary>Reads the scheduler's configuration.</summary>
    /// <exception cref="ControlNetException">It is invalid.</exception>
    internal SchedulerConfig ReadScheduler() => _parts.ReadScheduler();

    /// <summary>Reads the tokenizers, one for each text encoder, and checks that they fit the encoders and each other.</summary>
    /// <exception cref="ControlNetException">One is invalid, or has ids or a length that do not fit.</exception>
    internal ClipTokenizer[] ReadTokenizers()
    {
        (string Part, string Encoder, ClipTextConfig Config)[] encoders = TextEncoder2 is { } second
            ? [("tokenizer", "text_encoder", TextEncoder), ("tokenizer_2", "text_encoder_2", second)]
            : [("tokenizer", "text_encoder", TextEncoder)];
        var tokenizers = Array.ConvertAll(
            encoders, encoder => _parts.ReadTokenizer(encoder.Part, encoder.Config.MaxPositionEmbeddings));
        for (var i = 0; i < tokenizers.Length; i++)
            tokenizers[i].EnsureFits(encoders[i].Config.VocabSize, encoders[i].Encoder);

        // The embeddings of both encoders are concatenated per token.
        if (tokenizers is [var one, var other] && one.MaxLength != other.MaxLength)
            throw new ControlNetException(
                $"{Path}: 'tokenizer' gives {one.MaxLength} tokens per prompt and 'tokenizer_2' {other.MaxLength}, expected as many: "
                    + "their 'model_max_length', or the text encoders' 'max_position_embeddings', differ.");
        return tokenizers;
    }

    /// <summary>Compares names, shapes and types of all weights with the configurations, without reading the weights.</summary>
    /// <exception cref="ControlNetException">A part's weights are invalid, or belong to another network.</exception>
    internal void CheckWeights()
    {
        foreach (var part in Networks)
        {
            using var weights = OpenWeights(part);
            WeightLoader.Match(weights, MapOf(part));
        }
    }

    /// <summary>The weight files of a part, in the order of their names.</summary>
    /// <param name="part">The part.</param>
    /// <returns>Full paths; one, or the shards.</returns>
    /// <exception cref="ControlNetException">A file is missing, or an index is invalid.</exception>
    /// <exception cref="ArgumentException">The part has no weights.</exception>
    public IReadOnlyList<string> PartFiles(string part) => part == "vae" && _vae is { } vae ? vae.Files : _parts.Files(part);

    /// <summary>The number of bytes of a part's weights.</summary>
    internal long PartLength(string part) =>
        part == "vae" && _vae is { } vae ? vae.Files.Sum(file => LinkedFile.Of(file).Length) : _parts.Length(part);

    /// <summary>The parts that have weights and are to be loaded.</summary>
    internal IEnumerable<string> Networks => Index.Parts.Where(part => KindOrNull(part) is not null && Loaded.HasFlag(PartsOf(part)));

    /// <summary>The family's name.</summary>
    internal string FamilyName =>
        (Index.IsXL ? ModelFamily.SDXL : TextEncoder.HiddenAct == "gelu" ? ModelFamily.SD2 : ModelFamily.SD1).InWords();

    /// <summary>The names and shapes of a part's tensors.</summary>
    internal KeyMap MapOf(string part) => part switch
    {
        "unet" => KeyMap.For(UNet),
        "vae" => KeyMap.For(Autoencoder),
        "text_encoder" => KeyMap.For(TextEncoder),
        _ => KeyMap.For(TextEncoder2!),
    };

    /// <summary>The text of <c>model_index.json</c>; null if there is none.</summary>
    internal string? IndexFile => _parts.Text(IndexName);

    /// <summary>The text of <c>generation_config.json</c>; null if there is none.</summary>
    internal string? GenerationFile => _parts.Text(GenerationConfig.FileName);

    /// <summary>The files of a tokenizer's folder, by name.</summary>
    internal IEnumerable<(string Name, string Text)> TokenizerFiles(string part) => _parts.TokenizerFiles(part);

    /// <summary>The settings of a part that belong to a saved reference.</summary>
    internal IEnumerable<string> PartSettings(string part) => _parts.Settings(part);

    /// <summary>Opens the weights of a part.</summary>
    /// <param name="part"><c>unet</c>, <c>vae</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    /// <returns>The weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    /// <exception cref="ArgumentException">The part has no weights.</exception>
    public WeightSource OpenWeights(string part) => part == "vae" && _vae is { } vae ? vae.OpenWeights() : _parts.OpenWeights(part);

    /// <summary>The kind of network of a part.</summary>
    /// <exception cref="ArgumentException">The part has no weights.</exception>
    internal static NetworkKind KindOf(string part) =>
        KindOrNull(part) ?? throw new ArgumentException($"{Message.Name(part)} has no weights.", nameof(part));

    /// <summary>The kind of network of a part; null for tokenizers and scheduler.</summary>
    internal static NetworkKind? KindOrNull(string part) => part switch
    {
        "unet" => NetworkKind.UNet,
        "vae" => NetworkKind.Autoencoder,
        "text_encoder" or "text_encoder_2" => NetworkKind.TextEncoder,
        _ => null,
    };

    /// <summary>The network that a part's folder belongs to; none for the scheduler, which is always needed.</summary>
    internal static ModelParts PartsOf(string part) => part switch
    {
        "text_encoder" or "text_encoder_2" or "tokenizer" or "tokenizer_2" => ModelParts.TextEncoder,
        "unet" => ModelParts.UNet,
        "vae" => ModelParts.Autoencoder,
        _ => ModelParts.None,
    };

    private static ModelFolder OpenFolder(string path, LoadOptions options)
    {
        var root = System.IO.Path.GetFullPath(path);
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
