using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights.Conversion;

namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>
/// A base model in a single file, as the original repositories, trainers and model sites share it. What the file lacks (configurations, a
/// part that was pruned) comes from the family, from the tensors' shapes, or from a model folder that the user names.
/// </summary>
internal sealed class CheckpointFile : IModelParts
{
    private readonly string _path;
    private readonly CheckpointKeys _keys;
    private readonly ModelFolder? _beside;
    private readonly bool _isAveraged;
    private readonly Dictionary<string, string?> _texts = [];
    private readonly Dictionary<string, (IEnumerable<(string Name, string Text)> Files, Func<int, ClipTokenizer> Read)> _tokenizers = [];

    private CheckpointFile(TensorFile file, LoadOptions options)
    {
        _path = file.Path;
        _keys = new CheckpointKeys(file);
        _isAveraged = options.ExtractEma;
        if (_isAveraged && !file.Entries.Keys.Any(name => name.StartsWith("model_ema.diffusion_model", StringComparison.Ordinal)))
            throw new ControlNetException($"{file.Name}: has no averaged weights (model_ema.*), which were asked for.");

        // The settings: from the folder that the user names, from the file's own header, or from its family and shapes.
        var hasOwn = options.Config is null && SettingsFiles.AreIn(file.Metadata);
        using var stored = hasOwn ? ScratchFolder.Create() : null;
        var settings = options.Config is { } config ? ModelFolder.Open(config, options.Variant, ModelParts.None)
            : stored is not null ? Stored(file, stored.Path)
            : null;
        _beside = hasOwn ? null : settings;
        if (settings is not null && settings.Index.IsXL != (_keys.Family == ModelFamily.SDXL))
            throw new ControlNetException(
                $"{options.Config ?? file.Name}: is not of the family of {file.Name}, {_keys.Family.InWords()}; "
                    + "expected its configuration.");
        Index = settings?.Index ?? ModelIndex.Guess(_keys.Family == ModelFamily.SDXL);
        RequireParts(options, file.Name);
        UNet = settings?.UNet ?? new UNetShapes(_keys.Shapes(_keys.UNet), isOriginal: _keys.UNet.Length > 0, file.Name).Infer();
        var (prediction, hasZeroSnr) = CheckpointPrediction.Of(file, _keys, options.PredictionType, UNet.InChannels);
        if (settings is null)
            UNet = UNet with { SampleSize = _keys.Family.SampleSize(prediction) };
        Autoencoder = settings?.Autoencoder ?? AutoencoderOf(file.Name);
        (TextEncoder, TextEncoder2) = settings is null ? TextEncodersOf(file.Name) : (settings.TextEncoder, settings.TextEncoder2);
        Scheduler = settings?.ReadScheduler() ?? _keys.Family.Scheduler(prediction, hasZeroSnr);
        if (settings is not null && options.PredictionType is { } chosen)
            Scheduler = Scheduler with { PredictionType = chosen };
        Generation = settings?.Generation ?? new GenerationConfig();
        if (settings is not null)
            _texts = new() { [ModelFolder.IndexName] = settings.IndexFile, [GenerationConfig.FileName] = settings.GenerationFile };
        foreach (var part in Index.Parts.Where(part => part.StartsWith("tokenizer", StringComparison.Ordinal)))
            _tokenizers[part] = TokenizerOf(part, settings);
    }

    /// <summary>The pipeline.</summary>
    public ModelIndex Index { get; }

    /// <summary>The model's own defaults for generation.</summary>
    public GenerationConfig Generation { get; }

    /// <summary>The UNet's configuration.</summary>
    public UNetConfig UNet { get; }

    /// <summary>The autoencoder's configuration.</summary>
    public AutoencoderConfig Autoencoder { get; }

    /// <summary>The text encoder's configuration.</summary>
    public ClipTextConfig TextEncoder { get; }

    /// <summary>The second text encoder's configuration, or null.</summary>
    public ClipTextConfig? TextEncoder2 { get; }

    /// <summary>The scheduler's configuration.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>Opens a file: recognises its parts and finds their configurations.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What the file does not say, and which parts are wanted.</param>
    /// <exception cref="ControlNetException">It is missing, invalid, no base model, or lacks a part that is wanted.</exception>
    public static CheckpointFile Open(string path, LoadOptions options)
    {
        using var file = TensorFile.Open(path);
        return new CheckpointFile(file, options);
    }

    /// <summary>The networks that a file contains.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ControlNetException">It is missing, invalid, or no base model.</exception>
    public static ModelParts PartsIn(string path)
    {
        using var file = TensorFile.Open(path);
        var keys = new CheckpointKeys(file);
        var hasText = keys.TextEncoder is not null && (keys.Family != ModelFamily.SDXL || keys.TextEncoder2 is not null);
        return ModelParts.UNet | (hasText ? ModelParts.TextEncoder : 0) | (keys.Autoencoder is null ? 0 : ModelParts.Autoencoder);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string part) => Has(part) ? [_path] : Beside(part).PartFiles(part);

    /// <inheritdoc/>
    public IEnumerable<string> Settings(string part) => [];

    /// <inheritdoc/>
    public long Length(string part)
    {
        using var weights = OpenWeights(part);
        return weights.Tensors.Values.Sum(tensor => tensor.ByteLength);
    }

    /// <inheritdoc/>
    public ClipTokenizer ReadTokenizer(string part, int maxPositions) => _tokenizers[part].Read(maxPositions);

    /// <inheritdoc/>
    public IEnumerable<(string Name, string Text)> TokenizerFiles(string part) => _tokenizers[part].Files;

    /// <inheritdoc/>
    public string? Text(string name) => _texts.GetValueOrDefault(name);

    /// <inheritdoc/>
    public SchedulerConfig ReadScheduler() => Scheduler;

    /// <inheritdoc/>
    public WeightSource OpenWeights(string part)
    {
        if (!Has(part))
            return Beside(part).OpenWeights(part);
        return part switch
        {
            "unet" when _keys.UNet.Length == 0 => WeightSource.OpenFile(_path, NetworkKind.UNet),
            "unet" when _isAveraged => CheckpointWeights.OpenAveragedUNet(_path, UNet, _keys.UNet),
            "unet" => CheckpointWeights.OpenUNet(_path, UNet, _keys.UNet),
            "vae" => CheckpointWeights.OpenAutoencoder(_path, Autoencoder, _keys.Autoencoder!, isOriginal: true),
            "text_encoder" when !_keys.IsOpenClip => CheckpointWeights.OpenTextEncoder(_path, _keys.TextEncoder!),
            "text_encoder" => CheckpointWeights.OpenOpenClip(_path, TextEncoder, _keys.TextEncoder!),
            _ => CheckpointWeights.OpenOpenClip(_path, TextEncoder2!, _keys.TextEncoder2!),
        };
    }

    /// <summary>The settings in a file's header, which are untrusted like every folder's.</summary>
    private static ModelFolder Stored(TensorFile file, string folder)
    {
        try
        {
            SettingsFiles.Unpack(file.Metadata, folder);
            return ModelFolder.Open(folder, parts: ModelParts.None);
        }
        catch (ControlNetException error)
        {
            var why = error.Message.Replace(folder + ": ", "", StringComparison.Ordinal).Replace(folder, "", StringComparison.Ordinal);
            throw new ControlNetException($"{file.Name}: the settings in its header are invalid: {why}", error);
        }
    }

    /// <summary>The tokenizer of the settings if they have one, otherwise CLIP's own.</summary>
    private (IEnumerable<(string Name, string Text)> Files, Func<int, ClipTokenizer> Read) TokenizerOf(string part, ModelFolder? settings)
    {
        if (settings is not null && Directory.Exists(settings.Folder(part)))
        {
            // The files of the header are unpacked for now only.
            var folder = settings.Folder(part);
            var positions = part == "tokenizer" ? TextEncoder.MaxPositionEmbeddings : TextEncoder2!.MaxPositionEmbeddings;
            var tokenizer = ClipTokenizer.Load(folder, positions);
            return (SettingsFiles.OfTokenizerFolder(folder).ToList(), _ => tokenizer);
        }

        var pad = _keys.Family == ModelFamily.SD2 || part == "tokenizer_2" ? "!" : ClipWords.End;
        return (
            SettingsFiles.OfClip(pad, 77),
            length => ClipTokenizer.Clip(new ClipTokenizerOptions { MaxLength = length, PadToken = pad }));
    }

    private bool Has(string part) => part switch
    {
        "unet" => true,
        "vae" => _keys.Autoencoder is not null,
        "text_encoder" => _keys.TextEncoder is not null,
        "text_encoder_2" => _keys.TextEncoder2 is not null,
        _ => throw new ArgumentException($"{Message.Name(part)} has no weights.", nameof(part)),
    };

    private ModelFolder Beside(string part) =>
        _beside ?? throw new InvalidOperationException($"{_path} was opened without its part {Message.Name(part)}.");

    private AutoencoderConfig AutoencoderOf(string name) =>
        _keys.Autoencoder is { } prefix
            ? new AutoencoderShapes(_keys.Shapes(prefix), isOriginal: true, name).Infer(_keys.Family.ScalingFactor())
            : AutoencoderConfig.StableDiffusion15 with { ScalingFactor = _keys.Family.ScalingFactor() };

    private (ClipTextConfig First, ClipTextConfig? Second) TextEncodersOf(string name)
    {
        var first = _keys.TextEncoder is { } prefix
            ? new ClipTextShapes(TextShapes(prefix), _keys.IsOpenClip, name).Infer(hasProjection: false)
            : _keys.Family == ModelFamily.SD2 ? ClipTextConfig.ClipH : ClipTextConfig.ClipL;
        var second = _keys.TextEncoder2 is { } other
            ? new ClipTextShapes(_keys.Shapes(other), isOpenClip: true, name).Infer(hasProjection: true)
            : _keys.Family == ModelFamily.SDXL ? ClipTextConfig.ClipBigG : null;
        return (first, second);
    }

    /// <summary>transformers' names, whether the file has them with <c>text_model.</c> or without.</summary>
    private Dictionary<string, long[]> TextShapes(string prefix)
    {
        var shapes = new Dictionary<string, long[]>();
        foreach (var (name, shape) in _keys.Shapes(prefix))
        {
            if (_keys.IsOpenClip)
                shapes[name] = shape;
            else if (KeyNormaliser.Normalise(NetworkKind.TextEncoder, name, shape) is var (present, _))
                shapes[present] = shape;
        }

        return shapes;
    }

    /// <summary>Throws one error that names the parts that are wanted and nowhere to be found, and the options that supply them.</summary>
    private void RequireParts(LoadOptions options, string name)
    {
        var missing = new List<string>();
        var wanted = Index.Parts.Where(
            part => ModelFolder.KindOrNull(part) is not null && options.Parts.HasFlag(ModelFolder.PartsOf(part)));
        foreach (var part in wanted)
        {
            if (!Has(part) && !(part == "vae" && options.Vae is not null)
                && (_beside is null || PartFiles.Find(_beside.Folder(part), ModelFolder.KindOf(part), options.Variant) is null))
                missing.Add(part);
        }

        if (missing.Count == 0)
            return;
        var advice = missing is ["vae"]
            ? "give one with --vae (LoadOptions.Vae)"
            : "give a model folder that has them with --config (LoadOptions.Config)";
        throw new ControlNetException($"{name}: this model was pruned of its {Message.List([.. missing.Select(InWords)])}: {advice}.");
    }

    private static string InWords(string part) => part switch
    {
        "vae" => "VAE",
        "text_encoder" => "text encoder",
        _ => "second text encoder",
    };
}
