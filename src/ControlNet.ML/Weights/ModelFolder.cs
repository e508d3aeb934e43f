using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights.Graphs;
using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Weights;

/// <summary>
/// A model in diffusers' layout: <c>model_index.json</c> and a folder for each part; or a single file, which is read as if it were one.
/// Opening reads and checks all configurations and finds the weight files; the weights themselves are opened part by part.
/// </summary>
public sealed partial class ModelFolder
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

    /// <summary>The ONNX graphs of a model that consists of them; null for weights.</summary>
    internal GraphFolder? Graphs => _parts as GraphFolder;

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

    /// <summary>The folder of a part.</summary>
    /// <param name="part">The part, one of <see cref="ModelIndex.Parts"/>.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="ArgumentException">The model has no such part.</exception>
    /// <exception cref="InvalidOperationException">The model is a single file, or consists of ONNX graphs.</exception>
    public string Folder(string part) =>
        _parts is FolderParts folders
            ? folders.Folder(part)
            : throw new InvalidOperationException(
                $"{Path} {(IsSingleFile ? "is a single file" : "consists of ONNX graphs")}, which has no folders in diffusers' layout.");

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
}
