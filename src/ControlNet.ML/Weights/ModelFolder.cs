using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;

namespace ControlNet.ML.Weights;

/// <summary>
/// A model in diffusers' layout: <c>model_index.json</c> and a folder for each part. Opening reads and checks all configurations and finds
/// the weight files; the weights themselves are opened part by part.
/// </summary>
public sealed class ModelFolder
{
    /// <summary>The index's name.</summary>
    internal const string IndexName = "model_index.json";

    private ModelFolder(string path, ModelIndex index, string? variant, ModelParts loaded) =>
        (Path, Index, Variant, Loaded) = (path, index, variant, loaded);

    /// <summary>The full path.</summary>
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
    public AutoencoderConfig Autoencoder { get; private init; } = new();

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

    /// <summary>The model's own defaults for generation.</summary>
    public GenerationConfig Generation { get; private init; } = new();

    /// <summary>Width and height in pixels of an image for which none are given.</summary>
    internal (int Width, int Height) DefaultSize => (Generation.Width ?? NativeSize, Generation.Height ?? NativeSize);

    /// <summary>Warnings about unknown keys in any of the files.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. Index.Warnings, .. Generation.Warnings, .. UNet.Warnings, .. Autoencoder.Warnings, .. TextEncoder.Warnings,
        .. TextEncoder2?.Warnings ?? [],
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
    public static ModelFolder Open(string path, string? variant = null, ModelParts parts = ModelParts.All)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
            throw new ControlNetException(
                File.Exists(path)
                    ? $"{path}: {(ForeignModel.Describe(path) is { } known ? $"{known};" : "is a file,")} expected a model folder with "
                        + $"{IndexName}{ForeignModel.Advice(path)}."
                    : $"{path}: does not exist, expected a model folder with {IndexName}.");
        var root = System.IO.Path.GetFullPath(path);
        var indexPath = System.IO.Path.Combine(root, IndexName);
        var index = File.Exists(indexPath)
            ? ModelIndex.Parse(JsonText.ReadFile(indexPath, IndexName), IndexName)
            : ModelIndex.Guess(Directory.Exists(System.IO.Path.Combine(root, "text_encoder_2")));
        if (!File.Exists(indexPath) && !Directory.Exists(System.IO.Path.Combine(root, "unet")) && ForeignModel.Describe(path) is { } other)
            throw new ControlNetException($"{path}: {other}; expected a model folder with {IndexName}.");
        RequireParts(root, index, parts);
        RequireVariant(root, index, variant, parts);
        var folder = new ModelFolder(root, index, variant, parts)
        {
            Generation = GenerationConfig.Read(root),
            UNet = Config(root, "unet", UNetConfig.Parse),
            Autoencoder = Config(root, "vae", AutoencoderConfig.Parse),
            TextEncoder = Config(root, "text_encoder", ClipTextConfig.Parse),
            TextEncoder2 = index.IsXL ? Config(root, "text_encoder_2", ClipTextConfig.Parse) : null,
        };
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
    public string Folder(string part) =>
        Index.Parts.Contains(part)
            ? System.IO.Path.Combine(Path, part)
            : throw new ArgumentException(
                $"{Message.Name(part)} is not a part of {Index.ClassName}, which has {string.Join(", ", Index.Parts)}.", nameof(part));

    /// <summary>Reads the scheduler's configuration.</summary>
    /// <exception cref="ControlNetException">It is invalid.</exception>
    internal SchedulerConfig ReadScheduler()
    {
        const string source = "scheduler/scheduler_config.json";
        return SchedulerConfig.Parse(
            JsonText.ReadFile(System.IO.Path.Combine(Folder("scheduler"), "scheduler_config.json"), source), source);
    }

    /// <summary>Reads the tokenizers, one for each text encoder, and checks that they fit the encoders and each other.</summary>
    /// <exception cref="ControlNetException">One is invalid, or has ids or a length that do not fit.</exception>
    internal ClipTokenizer[] ReadTokenizers()
    {
        (string Part, string Encoder, ClipTextConfig Config)[] encoders = TextEncoder2 is { } second
            ? [("tokenizer", "text_encoder", TextEncoder), ("tokenizer_2", "text_encoder_2", second)]
            : [("tokenizer", "text_encoder", TextEncoder)];
        var tokenizers = Array.ConvertAll(
            encoders, encoder => ClipTokenizer.Load(Folder(encoder.Part), encoder.Config.MaxPositionEmbeddings));
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
        Check("text_encoder", KeyMap.For(TextEncoder));
        if (TextEncoder2 is { } second)
            Check("text_encoder_2", KeyMap.For(second));
        Check("unet", KeyMap.For(UNet));
        Check("vae", KeyMap.For(Autoencoder));

        void Check(string part, KeyMap map)
        {
            using var weights = OpenWeights(part);
            WeightLoader.Match(weights, map);
        }
    }

    /// <summary>The weight files of a part, in the order of their names.</summary>
    /// <param name="part">The part.</param>
    /// <returns>Full paths; one, or the shards.</returns>
    /// <exception cref="ControlNetException">A file is missing, or an index is invalid.</exception>
    /// <exception cref="ArgumentException">The part has no weights.</exception>
    public IReadOnlyList<string> PartFiles(string part)
    {
        var files = Weights.PartFiles.Find(Folder(part), Kind(part), Variant)
            ?? throw new ControlNetException($"{part}: {Weights.PartFiles.Absence(Folder(part), Kind(part))}.");
        return files.Single is not null
            ? [files.Single]
            : [.. ShardIndex.Read(files.Index!, $"{part}/{System.IO.Path.GetFileName(files.Index)}").Keys];
    }

    /// <summary>Opens the weights of a part.</summary>
    /// <param name="part"><c>unet</c>, <c>vae</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    /// <returns>The weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    /// <exception cref="ArgumentException">The part has no weights.</exception>
    public WeightSource OpenWeights(string part) => WeightSource.Open(Folder(part), Kind(part), Variant);

    private static NetworkKind Kind(string part) =>
        KindOrNull(part) ?? throw new ArgumentException($"{Message.Name(part)} has no weights.", nameof(part));

    private static NetworkKind? KindOrNull(string part) => part switch
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

    /// <summary>Whether a part's files other than its configuration are needed.</summary>
    private static bool IsWanted(string part, ModelParts parts) => parts.HasFlag(PartsOf(part));

    private delegate T Parser<T>(ReadOnlySpan<byte> json, string source);

    private static T Config<T>(string root, string part, Parser<T> parse)
    {
        var source = part + "/config.json";
        return parse(JsonText.ReadFile(System.IO.Path.Combine(root, part, "config.json"), source), source);
    }

    /// <summary>Throws one error that lists everything that is missing.</summary>
    private static void RequireParts(string root, ModelIndex index, ModelParts parts)
    {
        var missing = new List<string>();
        foreach (var part in index.Parts.Where(part => IsWanted(part, parts) || KindOrNull(part) is not null))
        {
            var folder = System.IO.Path.Combine(root, part);
            if (!Directory.Exists(folder))
            {
                missing.Add($"the folder '{part}'");
                continue;
            }

            if (KindOrNull(part) is { } kind)
            {
                RequireFile("config.json");
                if (IsWanted(part, parts) && Weights.PartFiles.Find(folder, kind, null) is null)
                    missing.Add($"'{part}': {Weights.PartFiles.Absence(folder, kind)}");
            }
            else if (part == "scheduler")
            {
                RequireFile("scheduler_config.json");
            }
            else if (!File.Exists(System.IO.Path.Combine(folder, "tokenizer.json")))
            {
                RequireFile("vocab.json");
                RequireFile("merges.txt");
            }

            void RequireFile(string name)
            {
                if (!File.Exists(System.IO.Path.Combine(folder, name)))
                    missing.Add($"'{part}/{name}'");
            }
        }

        if (missing.Count > 0)
            throw new ControlNetException($"{root}: the model is incomplete: {string.Join("; ", missing)}.");
    }

    private static void RequireVariant(string root, ModelIndex index, string? variant, ModelParts parts)
    {
        if (variant is null)
            return;
        var variants = index.Parts.Where(part => KindOrNull(part) is not null && IsWanted(part, parts))
            .SelectMany(part => Weights.PartFiles.Variants(System.IO.Path.Combine(root, part), KindOrNull(part)!.Value))
            .Distinct().Order(StringComparer.Ordinal).ToList();
        if (!variants.Contains(variant))
            throw new ControlNetException(
                $"{root}: no part has weights of the variant {Message.Name(variant)}; "
                    + $"there are {(variants.Count == 0 ? "only plain files" : string.Join(", ", variants.Select(Message.Name)))}.");
    }
}
