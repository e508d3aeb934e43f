using System.Diagnostics.CodeAnalysis;
using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>A base model's networks on torch: text encoders, UNet, autoencoder.</summary>
internal sealed class TorchBackend : IDiffusionBackend
{
    private const string DecodingImage = "Decoding an image", EncodingImage = "Encoding an image";

    private readonly NetworkUse _use = new(typeof(DiffusionModel));
    private readonly TorchDevice _device;
    private readonly ModelFolder? _folder;
    private readonly ClipTextModel[] _textEncoders;
    private readonly UNet2DConditionModel? _unet;
    private readonly AutoencoderKL? _autoencoder;
    private readonly MergedLoras[] _textLoras;
    private readonly MergedLoras? _unetLoras;
    private readonly long _read;

    /// <param name="device">Device and data type of the networks.</param>
    /// <param name="textEncoders">One or two.</param>
    /// <param name="unet">The UNet, or null.</param>
    /// <param name="autoencoder">The autoencoder, or null.</param>
    /// <param name="folder">Their configurations; null to skip the checks of free memory.</param>
    /// <param name="read">Tensors read from files for them.</param>
    internal TorchBackend(
        TorchDevice device,
        ClipTextModel[] textEncoders,
        UNet2DConditionModel? unet,
        AutoencoderKL? autoencoder,
        ModelFolder? folder = null,
        long read = 0)
    {
        (_device, _textEncoders, _unet, _autoencoder, _folder, _read) = (device, textEncoders, unet, autoencoder, folder, read);
        _textLoras = [.. textEncoders.Select((encoder, i) => new MergedLoras(encoder, i == 0 ? "text_encoder" : "text_encoder_2"))];
        _unetLoras = unet is null ? null : new MergedLoras(unet, "unet");
    }

    public string Description => _device.ToString();

    public WeightCounters Counters
    {
        get
        {
            MergedLoras[] all = [.. _textLoras, .. _unetLoras is null ? Array.Empty<MergedLoras>() : [_unetLoras]];
            return new WeightCounters(_read, all.Sum(loras => loras.Merged), all.Sum(loras => loras.Restored));
        }
    }

    /// <summary>Device and data type.</summary>
    internal TorchDevice Device => _device;

    /// <summary>Guards the networks while calls compute on them.</summary>
    internal NetworkUse Use => _use;

    /// <summary>The frozen UNet of a training.</summary>
    internal UNet2DConditionModel UNet => Loaded(_unet);

    /// <summary>The text encoders.</summary>
    internal IReadOnlyList<ClipTextModel> TextEncoders => _textEncoders;

    /// <summary>The weights of text encoders and autoencoder.</summary>
    internal IEnumerable<Tensor> Encoders =>
        _textEncoders.SelectMany(encoder => encoder.parameters()).Concat(Loaded(_autoencoder).parameters());

    /// <summary>Loads all parts; if one fails, those before it are freed.</summary>
    public static TorchBackend Load(
        ModelFolder folder, TorchDevice device, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        using var loading = new PartLoader(folder, device, progress, cancellationToken);
        List<ClipTextModel> textEncoders = [];
        if (folder.Loaded.HasFlag(ModelParts.TextEncoder))
        {
            textEncoders.Add(loading.Load("text_encoder", () => new ClipTextModel(folder.TextEncoder), ScalarType.Float32));
            if (folder.TextEncoder2 is { } second)
                textEncoders.Add(loading.Load("text_encoder_2", () => new ClipTextModel(second), ScalarType.Float32));
        }

        var unet = folder.Loaded.HasFlag(ModelParts.UNet)
            ? loading.Load("unet", () => new UNet2DConditionModel(folder.UNet), device.Type)
            : null;
        var autoencoder = folder.Loaded.HasFlag(ModelParts.Autoencoder)
            ? loading.Load("vae", () => new AutoencoderKL(folder.Autoencoder), ScalarType.Float32)
            : null;
        loading.Keep();
        return new TorchBackend(device, [.. textEncoders], unet, autoencoder, folder, loading.Read);
    }

    public void EnsureFits(int width, int height, int rows)
    {
        if (!IsChecked(out var folder))
            return;
        var scale = folder.Autoencoder.ScaleFactor;
        ImageMemory.Ensure(ImageMemory.Decoding(folder.Autoencoder, width, height), width, height, DecodingImage);
        ImageMemory.Ensure(
            ImageMemory.Step(folder.UNet, width / scale, height / scale, rows, _device.NumberSize), width, height,
            rows == 1 ? "A denoising step of an image" : $"A denoising step of {rows} images, with the unconditional ones,");
    }

    public void SetLoras(ModelParts parts, IReadOnlyList<WeightedLora> loras)
    {
        ArgumentNullException.ThrowIfNull(loras);
        _use.Run("Merging a LoRA", 0, 0, () =>
        {
            foreach (var encoder in parts.HasFlag(ModelParts.TextEncoder) ? _textLoras : [])
                encoder.Set(loras);
            if (parts.HasFlag(ModelParts.UNet))
                _unetLoras?.Set(loras);
            return true;
        });
    }

    public void SetTokenVectors(int encoder, int first, TensorData vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        _use.Run("Adding tokens", 0, 0, () =>
        {
            var table = _textEncoders[encoder].text_model.embeddings.token_embedding;
            table.SetAdded(first, vectors.Count == 0 ? null : vectors.ToTorch(table.weight.dtype, _device.Device));
            return true;
        });
    }

    public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count != _textEncoders.Length)
            throw new ArgumentException(
                $"{tokens.Count} lists of tokens, expected one for each of the {_textEncoders.Length} text encoders.", nameof(tokens));
        return _use.Run("Encoding a prompt", 0, 0, () =>
        {
            var outputs = _textEncoders.Select((encoder, i) => encoder.Forward(Ids(tokens[i]))).ToArray();
            return outputs.Length == 1
                ? new TextEmbedding(Single(outputs[0], clipSkip).ToData(), null)
                : new TextEmbedding(
                    cat([.. outputs.Select(output => Layer(output, (clipSkip ?? 0) + 1))], dim: -1).ToData(),
                    outputs[1].Projected!.ToData());
        });
    }

    public IDenoiser CreateDenoiser(DenoiserInputs inputs) => new TorchDenoiser(Loaded(_unet), _use, _device, inputs);

    public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (height, width) = (image.Shape[^2], image.Shape[^1]);
        if (IsChecked(out var folder))
            ImageMemory.Ensure(ImageMemory.Encoding(folder.Autoencoder, width, height), width, height, EncodingImage);
        return _use.Run(EncodingImage, width, height, () =>
        {
            var (mean, logVariance) = Loaded(_autoencoder).Encode(image.ToTorch(ScalarType.Float32, _device.Device));
            return (mean.ToData(), logVariance.ToData());
        });
    }

    public TensorData DecodeImage(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var scale = _folder?.Autoencoder.ScaleFactor ?? 8;
        var (height, width) = (latents.Shape[^2] * scale, latents.Shape[^1] * scale);
        if (IsChecked(out var folder))
            ImageMemory.Ensure(ImageMemory.Decoding(folder.Autoencoder, width, height), width, height, DecodingImage);
        return _use.Run(
            DecodingImage, width, height, () => Loaded(_autoencoder).Decode(latents.ToTorch(ScalarType.Float32, _device.Device)).ToData());
    }

    public void Dispose() => _use.Close(() =>
    {
        foreach (var loras in _textLoras)
            loras.Dispose();
        _unetLoras?.Dispose();
        foreach (var encoder in _textEncoders)
            encoder.Dispose();
        _unet?.Dispose();
        _autoencoder?.Dispose();
    });

    /// <summary>Whether the networks use the machine's memory, whose free size is known.</summary>
    private bool IsChecked([NotNullWhen(true)] out ModelFolder? folder)
    {
        folder = _folder;
        return folder is not null && _device.Device.type == TorchSharp.DeviceType.CPU;
    }

    private static T Loaded<T>(T? network)
        where T : nn.Module =>
        network ?? throw new InvalidOperationException(
            $"The model was loaded without its {typeof(T).Name} ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");

    /// <summary>SD1 and SD2: the last layer, or an earlier one, through the final norm.</summary>
    private Tensor Single(ClipTextOutput output, int? clipSkip) =>
        clipSkip is null or 0 ? output.Last : _textEncoders[0].Normalize(Layer(output, clipSkip.Value));

    /// <summary>The layer a number of layers before the last.</summary>
    private static Tensor Layer(ClipTextOutput output, int before) =>
        before < output.States.Count
            ? output.States[output.States.Count - 1 - before]
            : throw new ArgumentException(
                $"Clip skip is {before}, expected at most {output.States.Count - 1}, the text encoder's number of layers.");

    private Tensor Ids(IReadOnlyList<int> tokens) =>
        tensor([.. tokens.Select(id => (long)id)], [1, tokens.Count], device: _device.Device);

    /// <summary>Loads part after part, reports progress, and frees the loaded parts if the rest fails.</summary>
    private sealed class PartLoader(
        ModelFolder folder, TorchDevice device, IProgress<double>? progress, CancellationToken cancellationToken)
        : IDisposable
    {
        private readonly List<IDisposable> _loaded = [];
        private readonly double _total = new[] { "text_encoder", "text_encoder_2", "unet", "vae" }
            .Where(
                part => folder.Loaded.HasFlag(ModelFolder.PartsOf(part)) && (part != "text_encoder_2" || folder.TextEncoder2 is not null))
            .Sum(folder.PartLength);

        private double _done;

        /// <summary>Tensors read so far.</summary>
        public long Read { get; private set; }

        public T Load<T>(string part, Func<T> build, ScalarType type)
            where T : nn.Module
        {
            using var weights = folder.OpenWeights(part);
            var network = StateDict.Load(
                build, weights, type, device.Device, Loaded, cancellationToken);
            _loaded.Add(network);
            return network;
        }

        public void Keep()
        {
            _loaded.Clear();
            progress?.Report(1);
        }

        private void Loaded(long bytes)
        {
            Read++;
            progress?.Report((_done += bytes) / _total);
        }

        public void Dispose() => _loaded.ForEach(network => network.Dispose());
    }
}
