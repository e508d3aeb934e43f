using System.Diagnostics.CodeAnalysis;
using ControlNet.ML.Adapters;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Models.Tiling;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>A base model's networks on torch: text encoders, UNet, autoencoder.</summary>
internal sealed class TorchBackend : IDiffusionBackend
{
    private const string DecodingImage = "Decoding an image", EncodingImage = "Encoding an image";

    private readonly NetworkUse _use;
    private readonly TorchDevice _device;
    private readonly MemoryUse _memory;
    private readonly ModelFolder? _folder;
    private readonly LazyNetwork<ClipTextModel>[] _textEncoders;
    private readonly LazyNetwork<UNet2DConditionModel>? _unet;
    private readonly LazyNetwork<AutoencoderKL>? _autoencoder;
    private readonly MergedLoras[] _textLoras;
    private readonly MergedLoras? _unetLoras;
    private bool _hasTokens;

    /// <param name="device">Device and data type of the networks.</param>
    /// <param name="textEncoders">One or two.</param>
    /// <param name="unet">The UNet, or null.</param>
    /// <param name="autoencoder">The autoencoder, or null.</param>
    /// <param name="folder">Their configurations; null to skip the checks of free memory.</param>
    /// <param name="memory">What to trade for memory.</param>
    internal TorchBackend(
        TorchDevice device,
        LazyNetwork<ClipTextModel>[] textEncoders,
        LazyNetwork<UNet2DConditionModel>? unet,
        LazyNetwork<AutoencoderKL>? autoencoder,
        ModelFolder? folder = null,
        MemoryUse memory = default)
    {
        (_device, _textEncoders, _unet, _autoencoder, _folder, _memory) = (device, textEncoders, unet, autoencoder, folder, memory);
        _use = new NetworkUse(typeof(DiffusionModel), device.Kernels);
        _textLoras =
            [.. textEncoders.Select((encoder, i) => new MergedLoras(() => encoder.Value, i == 0 ? "text_encoder" : "text_encoder_2"))];
        _unetLoras = unet is null ? null : new MergedLoras(() => unet.Value, "unet");
    }

    public string Description => string.Concat(
        _device.ToString(),
        AutoencoderType == ScalarType.Float32 ? "" : $", autoencoder {AutoencoderType.ToString().ToLowerInvariant()}",
        _memory.IsTiled ? ", tiling" : "",
        _memory.IsLow ? ", low memory" : "");

    public WeightCounters Counters
    {
        get
        {
            MergedLoras[] all = [.. _textLoras, .. _unetLoras is null ? Array.Empty<MergedLoras>() : [_unetLoras]];
            var read = _textEncoders.Sum(encoder => encoder.TensorsRead) + (_unet?.TensorsRead ?? 0) + (_autoencoder?.TensorsRead ?? 0);
            return new WeightCounters(read, all.Sum(loras => loras.Merged), all.Sum(loras => loras.Restored));
        }
    }

    /// <summary>Device and data type.</summary>
    internal TorchDevice Device => _device;

    /// <summary>Guards the networks while calls compute on them.</summary>
    internal NetworkUse Use => _use;

    /// <summary>The frozen UNet of a training.</summary>
    internal UNet2DConditionModel UNet => Loaded(_unet);

    /// <summary>The text encoders.</summary>
    internal IReadOnlyList<ClipTextModel> TextEncoders => [.. _textEncoders.Select(encoder => encoder.Value)];

    /// <summary>The weights of text encoders and autoencoder.</summary>
    internal IEnumerable<Tensor> Encoders =>
        TextEncoders.SelectMany(encoder => encoder.parameters()).Concat(Loaded(_autoencoder).parameters());

    /// <summary>Opens all parts and compares them with the configurations; if one fails, those before it are closed.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="options">Device, precision, whether to read the weights now, progress.</param>
    /// <param name="cancellationToken">Checked between the tensors that are read.</param>
    public static TorchBackend Load(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        var device = TorchDevice.From(options);
        var autoencoderType = device.AutoencoderType(options, folder.Autoencoder);
        var memory = new MemoryUse(options.Tiling, options.LowMemory);
        using var loading = new PartLoader(folder, device, options, cancellationToken);
        List<LazyNetwork<ClipTextModel>> textEncoders = [];
        if (folder.Loaded.HasFlag(ModelParts.TextEncoder))
        {
            textEncoders.Add(Text("text_encoder", folder.TextEncoder));
            if (folder.TextEncoder2 is { } second)
                textEncoders.Add(Text("text_encoder_2", second));
        }

        var unet = folder.Loaded.HasFlag(ModelParts.UNet)
            ? loading.Load("unet", KeyMap.For(folder.UNet), () => new UNet2DConditionModel(folder.UNet), device.Type)
            : null;
        var autoencoder = folder.Loaded.HasFlag(ModelParts.Autoencoder)
            ? loading.Load("vae", KeyMap.For(folder.Autoencoder), () => new AutoencoderKL(folder.Autoencoder), autoencoderType)
            : null;
        loading.Keep();
        return new TorchBackend(device, [.. textEncoders], unet, autoencoder, folder, memory);

        LazyNetwork<ClipTextModel> Text(string part, ClipTextConfig config) =>
            loading.Load(part, KeyMap.For(config), () => new ClipTextModel(config), ScalarType.Float32, isReleasable: memory.IsLow);
    }

    public void Read(ModelParts parts, CancellationToken cancellationToken)
    {
        _use.Enter();
        try
        {
            foreach (var encoder in parts.HasFlag(ModelParts.TextEncoder) ? _textEncoders : [])
                encoder.Read(loaded: null, cancellationToken);
            if (parts.HasFlag(ModelParts.UNet))
                _unet?.Read(loaded: null, cancellationToken);
            if (parts.HasFlag(ModelParts.Autoencoder))
                _autoencoder?.Read(loaded: null, cancellationToken);
        }
        finally
        {
            _use.Leave();
        }
    }

    public void EnsureFits(int width, int height, int rows)
    {
        if (!IsChecked(out var folder))
            return;
        var scale = folder.Autoencoder.ScaleFactor;
        EnsureDecodes(folder, width, height);
        rows = _memory.IsLow ? 1 : rows;
        ImageMemory.Ensure(
            ImageMemory.Step(folder.UNet, width / scale, height / scale, rows, _device.NumberSize), width, height,
            rows == 1 ? "A denoising step of an image" : $"A denoising step of {rows} images, with the unconditional ones,", Free,
            rows == 1 ? null : "low memory (--low-memory)");
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
            var table = _textEncoders[encoder].Value.text_model.embeddings.token_embedding;
            _hasTokens |= vectors.Count > 0;
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
            var outputs = _textEncoders.Select((encoder, i) => encoder.Value.Forward(Ids(tokens[i]))).ToArray();
            return outputs.Length == 1
                ? new TextEmbedding(Single(outputs[0], clipSkip).ToData(), null)
                : new TextEmbedding(
                    cat([.. outputs.Select(output => Layer(output, (clipSkip ?? 0) + 1))], dim: -1).ToData(),
                    outputs[1].Projected!.ToData());
        });
    }

    public IDenoiser CreateDenoiser(DenoiserInputs inputs)
    {
        if (_memory.IsLow)
            ReleaseTextEncoders();
        Read(ModelParts.UNet, CancellationToken.None);
        return _memory.IsLow
            ? new RowDenoiser(inputs, row => new TorchDenoiser(Loaded(_unet), _use, _device, row))
            : new TorchDenoiser(Loaded(_unet), _use, _device, inputs);
    }

    public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (height, width) = (image.Shape[^2], image.Shape[^1]);
        if (IsChecked(out var folder))
        {
            var need = ImageMemory.Encoding(folder.Autoencoder, width, height, TorchDevice.SizeOf(AutoencoderType), _memory.IsTiled);
            ImageMemory.Ensure(need, width, height, EncodingImage, Free, Tiles);
        }

        return _use.Run(EncodingImage, width, height, () =>
        {
            var (network, x) = (Loaded(_autoencoder), image.ToTorch(AutoencoderType, _device.Device));
            var (mean, logVariance) = _memory.IsTiled ? new TiledAutoencoder(network).Encode(x) : network.Encode(x);
            return (mean.ToData(), logVariance.ToData());
        });
    }

    public TensorData DecodeImage(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var scale = _folder?.Autoencoder.ScaleFactor ?? 8;
        var (height, width) = (latents.Shape[^2] * scale, latents.Shape[^1] * scale);
        if (IsChecked(out var folder))
            EnsureDecodes(folder, width, height);
        return _use.Run(DecodingImage, width, height, () =>
        {
            var (network, x) = (Loaded(_autoencoder), latents.ToTorch(AutoencoderType, _device.Device));
            return (_memory.IsTiled ? new TiledAutoencoder(network).Decode(x) : network.Decode(x)).ToData();
        });
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

    private ScalarType AutoencoderType => _autoencoder?.Type ?? ScalarType.Float32;

    /// <summary>What else makes decoding and encoding fit.</summary>
    private string? Tiles => _memory.IsTiled ? null : "tiling (--tiling)";

    /// <summary>Frees the text encoders, unless LoRAs or added tokens are in them, which their files do not have.</summary>
    private void ReleaseTextEncoders() => _use.Run("Freeing the text encoders", 0, 0, () =>
    {
        if (!_hasTokens && !Array.Exists(_textLoras, loras => loras.IsUsed))
        {
            foreach (var encoder in _textEncoders)
                encoder.Release();
            NativeHeap.Trim();
        }

        return true;
    });

    private void EnsureDecodes(ModelFolder folder, int width, int height)
    {
        var need = ImageMemory.Decoding(folder.Autoencoder, width, height, TorchDevice.SizeOf(AutoencoderType), _memory.IsTiled);
        ImageMemory.Ensure(need, width, height, DecodingImage, Free, Tiles);
    }

    /// <summary>The memory that is free beside the networks, with those that are still to be read.</summary>
    private long Free => Math.Max(
        0,
        FreeMemory.Bytes
            - _textEncoders.Sum(encoder => encoder.UnreadBytes) - (_unet?.UnreadBytes ?? 0) - (_autoencoder?.UnreadBytes ?? 0));

    /// <summary>Whether the networks use the machine's memory, whose free size is known.</summary>
    private bool IsChecked([NotNullWhen(true)] out ModelFolder? folder)
    {
        folder = _folder;
        return folder is not null && _device.Device.type == TorchSharp.DeviceType.CPU;
    }

    private static T Loaded<T>(LazyNetwork<T>? network)
        where T : nn.Module =>
        network?.Value ?? throw new InvalidOperationException(
            $"The model was loaded without its {typeof(T).Name} ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");

    /// <summary>SD1 and SD2: the last layer, or an earlier one, through the final norm.</summary>
    private Tensor Single(ClipTextOutput output, int? clipSkip) =>
        clipSkip is null or 0 ? output.Last : _textEncoders[0].Value.Normalize(Layer(output, clipSkip.Value));

    /// <summary>The layer a number of layers before the last.</summary>
    private static Tensor Layer(ClipTextOutput output, int before) =>
        before < output.States.Count
            ? output.States[output.States.Count - 1 - before]
            : throw new ArgumentException(
                $"Clip skip is {before}, expected at most {output.States.Count - 1}, the text encoder's number of layers.");

    private Tensor Ids(IReadOnlyList<int> tokens) =>
        tensor([.. tokens.Select(id => (long)id)], [1, tokens.Count], device: _device.Device);
}
