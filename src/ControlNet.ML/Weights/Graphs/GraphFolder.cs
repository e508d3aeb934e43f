using System.Text;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights.Conversion;
using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Weights.Graphs;

/// <summary>
/// A model of ONNX graphs: a folder for each network with <c>model.onnx</c> in it, as optimum, OnnxStack and diffusers' scripts write them,
/// and as <c>controlnet export</c> does. The autoencoder's two halves are in <c>vae_encoder</c> and <c>vae_decoder</c>; a UNet that takes
/// residuals may be beside the plain one.
/// </summary>
internal sealed class GraphFolder : IModelParts
{
    /// <summary>The name of a graph in its folder.</summary>
    internal const string GraphName = "model.onnx";

    /// <summary>The name of this library's UNet that takes residuals, beside the one that does not.</summary>
    internal const string ControlledName = "controlnet.onnx";

    /// <summary>The name of a control network's condition encoder, beside its graph.</summary>
    internal const string ConditionEncoderName = "condition_encoder.onnx";

    // Where a UNet is: optimum's and the scripts' place, this library's UNet with residuals, OnnxStack's, onnx-web's.
    private static readonly string[] UNetPlaces =
        [$"unet/{GraphName}", $"unet/{ControlledName}", $"controlnet/{GraphName}", $"cnet/{GraphName}"];

    private readonly string _root;
    private readonly string? _variant;
    private readonly Lazy<IReadOnlyDictionary<GraphKind, string>> _unets;

    private GraphFolder(string root, string? variant)
    {
        (_root, _variant) = (root, variant);
        _unets = new(FindUNets);
    }

    /// <summary>The pipeline, from the index or inferred from the parts.</summary>
    public required ModelIndex Index { get; init; }

    /// <summary>The UNet without inputs for residuals; null if there is none.</summary>
    public string? UNetGraph => _unets.Value.GetValueOrDefault(GraphKind.UNet);

    /// <summary>The UNet that takes residuals; null if there is none.</summary>
    public string? ControlledUNetGraph => _unets.Value.GetValueOrDefault(GraphKind.ControlledUNet);

    /// <summary>The UNet with built-in control networks; null if there is none.</summary>
    public string? MergedUNetGraph => _unets.Value.GetValueOrDefault(GraphKind.MergedUNet);

    /// <summary>The UNet that describes the model: any of them.</summary>
    public string AnyUNetGraph => UNetGraph ?? ControlledUNetGraph ?? MergedUNetGraph
        ?? throw new ControlNetException(
            $"{_root}: has no UNet, expected one of {Message.Choices([.. UNetPlaces.Select(place => Message.Name(place))])}.");

    /// <summary>What a user should know of the graphs; null for nothing.</summary>
    public string? Warning => File.Exists(Graph("vae_encoder")) && Backends.Graphs.DrawsLatents(Graph("vae_encoder"))
        ? "vae_encoder/model.onnx draws the latents of an image with random numbers of its own: images from images are not reproducible."
        : null;

    /// <summary>Whether a folder is a model of ONNX graphs.</summary>
    /// <param name="root">A folder.</param>
    public static bool IsIn(string root) => IsIn(file => File.Exists(Path.Combine(root, file)));

    /// <summary>Whether files are those of a model of ONNX graphs.</summary>
    /// <param name="has">Whether there is a file, by its path below the model's folder.</param>
    public static bool IsIn(Func<string, bool> has) =>
        has($"text_encoder/{GraphName}") || has($"vae_decoder/{GraphName}") || UNetPlaces.Take(2).Any(has);

    /// <summary>The places of a model's graphs, below its folder.</summary>
    /// <param name="index">The pipeline.</param>
    /// <returns>For each network the part that it belongs to, its possible places, and whether the part needs it.</returns>
    public static IReadOnlyList<(ModelParts Part, string[] Places, bool IsNeeded)> Places(ModelIndex index) =>
    [
        .. TextEncoders(index).Select(part => (ModelParts.TextEncoder, new[] { $"{part}/{GraphName}" }, true)),
        (ModelParts.UNet, UNetPlaces, true),
        (ModelParts.Autoencoder, [$"vae_decoder/{GraphName}"], true),
        (ModelParts.Autoencoder, [$"vae_encoder/{GraphName}"], false),
    ];

    /// <summary>The folders of a model's tokenizers.</summary>
    /// <param name="index">The pipeline.</param>
    public static string[] Tokenizers(ModelIndex index) => index.IsXL ? ["tokenizer", "tokenizer_2"] : ["tokenizer"];

    /// <summary>The path of a graph's variant, <c>model_fp16.onnx</c> as transformers.js names them.</summary>
    /// <param name="plain">The path of the plain graph.</param>
    /// <param name="variant">The variant; null for the plain one.</param>
    public static string InVariant(string plain, string? variant) =>
        variant is null ? plain : $"{plain[..^Path.GetExtension(plain).Length]}_{variant}{Path.GetExtension(plain)}";

    /// <summary>Opens a folder.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="options">The variant, and the networks to load.</param>
    /// <exception cref="ControlNetException">Parts are missing.</exception>
    public static GraphFolder Open(string root, LoadOptions options)
    {
        if (options.Vae is not null)
            throw new ControlNetException(
                $"{root}: is a model of ONNX graphs, whose VAE is exported with it; expected no --vae (LoadOptions.Vae).");
        var indexPath = Path.Combine(root, ModelFolder.IndexName);
        var hasSecond = Directory.Exists(Path.Combine(root, "text_encoder_2"));
        var folder = new GraphFolder(root, options.Variant)
        {
            Index = File.Exists(indexPath)
                ? ModelIndex.ParseExported(JsonText.ReadFile(indexPath, ModelFolder.IndexName), ModelFolder.IndexName, hasSecond)
                : ModelIndex.Guess(hasSecond),
        };
        folder.Require(options.Parts);
        return folder;
    }

    /// <summary>The graph of a text encoder or of a half of the autoencoder.</summary>
    /// <param name="part"><c>text_encoder</c>, <c>text_encoder_2</c>, <c>vae_encoder</c> or <c>vae_decoder</c>.</param>
    public string Graph(string part) => InVariant(Path.Combine(_root, part, GraphName));

    /// <summary>All graphs of a part.</summary>
    /// <param name="part"><c>unet</c>, <c>vae</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    /// <returns>Full paths.</returns>
    public string[] GraphsOf(string part) => part switch
    {
        "unet" => [.. _unets.Value.Values],
        "vae" => [.. new[] { Graph("vae_decoder"), Graph("vae_encoder") }.Where(File.Exists)],
        _ => [Graph(part)],
    };

    /// <summary>A graph's name in messages: its path below the folder.</summary>
    public string Title(string path) => Path.GetRelativePath(_root, path).Replace('\\', '/');

    /// <summary>The UNet's configuration: its <c>config.json</c>, or what the graph tells.</summary>
    public UNetConfig ReadUNet()
    {
        if (Config("unet/config.json") is { } json)
            return UNetConfig.Parse(json, "unet/config.json");
        var graph = AnyUNetGraph;
        var beside = $"{Path.GetFileName(Path.GetDirectoryName(graph)!)}/config.json";
        if (Config(beside) is { } other)
            return UNetConfig.Parse(other, beside);
        var config = Backends.Graphs.UNet(graph);
        return config with { SampleSize = Family(config).SampleSize(ReadScheduler(config).PredictionType) };
    }

    /// <summary>The autoencoder's configuration: the <c>config.json</c> of one of its halves, or the family's.</summary>
    /// <param name="unet">The UNet.</param>
    public AutoencoderConfig ReadAutoencoder(UNetConfig unet)
    {
        foreach (var source in new[] { "vae_decoder/config.json", "vae_encoder/config.json" })
        {
            if (Config(source) is { } json)
                return AutoencoderConfig.Parse(json, source);
        }

        var decoder = Graph("vae_decoder");
        return AutoencoderConfig.StableDiffusion15 with
        {
            ScalingFactor = Family(unet).ScalingFactor(),
            LatentChannels = File.Exists(decoder) ? Backends.Graphs.LatentChannels(decoder) : unet.OutChannels,
        };
    }

    /// <summary>A text encoder's configuration: its <c>config.json</c>, or what the graph tells.</summary>
    /// <param name="part"><c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    public ClipTextConfig ReadTextEncoder(string part)
    {
        var source = part + "/config.json";
        if (Config(source) is { } json)
            return ClipTextConfig.Parse(json, source);
        var graph = Graph(part);
        return File.Exists(graph)
            ? Backends.Graphs.TextEncoder(graph, hasProjection: part == "text_encoder_2")
            : ClipTextConfig.ClipL;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string part) =>
        [.. GraphsOf(part).SelectMany(Backends.Graphs.Files).Distinct().Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public IEnumerable<string> Settings(string part) => FoldersOf(part).Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)
        .Where(file => Path.GetExtension(file) is ".json" or ".txt" && PlainFileName.IsPlain(Path.GetFileName(file)));

    /// <inheritdoc/>
    public long Length(string part) => Files(part).Where(File.Exists).Sum(file => LinkedFile.Of(file).Length);

    /// <inheritdoc/>
    public WeightSource OpenWeights(string part) => throw new ControlNetException(
        $"{_root}: is a model of ONNX graphs, whose weights cannot be read one by one: expected a folder or file of weights, or the "
            + "runtime ControlNet.ML.Onnx (--backend onnx).");

    /// <inheritdoc/>
    public ClipTokenizer ReadTokenizer(string part, int maxPositions) => ClipTokenizer.Load(Path.Combine(_root, part), maxPositions);

    /// <inheritdoc/>
    public IEnumerable<(string Name, string Text)> TokenizerFiles(string part) =>
        SettingsFiles.OfTokenizerFolder(Path.Combine(_root, part));

    /// <inheritdoc/>
    public string? Text(string name) => Config(name) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <inheritdoc/>
    public SchedulerConfig ReadScheduler() => ReadScheduler(null);

    private SchedulerConfig ReadScheduler(UNetConfig? unet)
    {
        const string source = "scheduler/scheduler_config.json";
        return Config(source) is { } json
            ? SchedulerConfig.Parse(json, source)
            : Family(unet ?? ReadUNet()).Scheduler(PredictionType.Epsilon, hasZeroSnr: false);
    }

    private ModelFamily Family(UNetConfig unet) =>
        Index.IsXL ? ModelFamily.SDXL : unet.CrossAttentionDim == ClipTextConfig.ClipH.HiddenSize ? ModelFamily.SD2 : ModelFamily.SD1;

    private byte[]? Config(string name)
    {
        var path = Path.Combine(_root, name);
        return File.Exists(path) ? JsonText.ReadFile(path, name) : null;
    }

    private static string[] TextEncoders(ModelIndex index) => index.IsXL ? ["text_encoder", "text_encoder_2"] : ["text_encoder"];

    private string[] FoldersOf(string part) => part == "vae"
        ? [Path.Combine(_root, "vae_decoder"), Path.Combine(_root, "vae_encoder")]
        : [Path.Combine(_root, part)];

    /// <summary>The UNets by kind: a place may also have a control network, as <c>controlnet</c> has in some layouts.</summary>
    private Dictionary<GraphKind, string> FindUNets()
    {
        Dictionary<GraphKind, string> found = [];
        foreach (var place in UNetPlaces.Select(place => InVariant(Path.Combine(_root, place))).Where(File.Exists))
        {
            var kind = Backends.Graphs.Kind(place);
            if (kind is GraphKind.UNet or GraphKind.ControlledUNet or GraphKind.MergedUNet)
                found.TryAdd(kind, place);
            else if (Path.GetFileName(Path.GetDirectoryName(place)) == "unet")
                throw new ControlNetException($"{Title(place)}: is {kind.InWords()}, expected a UNet: {Backends.Graphs.Describe(place)}.");
        }

        return found;
    }

    /// <summary>A file of the requested variant, else the plain one.</summary>
    private string InVariant(string plain) => InVariant(plain, _variant) is var path && File.Exists(path) ? path : plain;

    private void Require(ModelParts parts)
    {
        List<string> missing = [];
        if (parts.HasFlag(ModelParts.UNet) && _unets.Value.Count == 0)
            missing.Add(Message.Name(UNetPlaces[0]));
        if (parts.HasFlag(ModelParts.Autoencoder))
            RequireGraph("vae_decoder");
        if (parts.HasFlag(ModelParts.TextEncoder))
        {
            foreach (var (tokenizer, encoder) in Tokenizers(Index).Zip(TextEncoders(Index)))
            {
                RequireTokenizer(tokenizer);
                RequireGraph(encoder);
            }
        }

        if (missing.Count > 0)
            throw new ControlNetException($"{_root}: the model of ONNX graphs is incomplete: {string.Join("; ", missing)}.");

        void RequireGraph(string part)
        {
            if (!File.Exists(Graph(part)))
                missing.Add($"'{part}/{GraphName}'");
        }

        void RequireTokenizer(string part)
        {
            if (File.Exists(Path.Combine(_root, part, "tokenizer.json")))
                return;
            foreach (var name in new[] { "vocab.json", "merges.txt" })
            {
                if (!File.Exists(Path.Combine(_root, part, name)))
                    missing.Add($"'{part}/{name}'");
            }
        }
    }
}
