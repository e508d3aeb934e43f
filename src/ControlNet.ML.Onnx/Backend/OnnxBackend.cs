using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx;

/// <summary>A base model of ONNX graphs.</summary>
internal sealed class OnnxBackend : IDiffusionBackend
{
    private readonly UseCount _use = new(typeof(DiffusionModel));
    private readonly ModelFolder _folder;
    private readonly OnnxTextEncoder[] _textEncoders;
    private readonly UNetChoice? _unets;
    private readonly OnnxAutoencoder? _autoencoder;
    private readonly IDisposable? _files;
    private readonly string _source;

    private OnnxBackend(
        ModelFolder folder,
        string source,
        string description,
        OnnxTextEncoder[] textEncoders,
        UNetChoice? unets,
        OnnxAutoencoder? autoencoder,
        IDisposable? files) =>
        (_folder, _source, Description, _textEncoders, _unets, _autoencoder, _files) =
        (folder, source, description, textEncoders, unets, autoencoder, files);

    public string Description { get; }

    /// <summary>The UNets.</summary>
    /// <exception cref="InvalidOperationException">The model was loaded without its UNet.</exception>
    internal UNetChoice UNets => Loaded(_unets);

    /// <summary>Opens all graphs, and loads the weights that every image needs.</summary>
    /// <param name="folder">The model, which consists of graphs.</param>
    /// <param name="options">Where and how they run.</param>
    /// <param name="progress">Receives the share of the weights that is loaded.</param>
    /// <param name="cancellationToken">Checked before each graph is loaded.</param>
    /// <param name="files">The graphs' files, disposed with the model; null if they stay.</param>
    /// <param name="source">The model in messages; null for the folder.</param>
    /// <exception cref="ControlNetException">A graph is invalid, belongs to another model, or cannot be loaded.</exception>
    public static OnnxBackend Load(
        ModelFolder folder, OnnxSessionOptions options, IProgress<double>? progress, CancellationToken cancellationToken,
        IDisposable? files = null, string? source = null)
    {
        var graphs = folder.Graphs!;
        List<IDisposable> opened = [];
        try
        {
            var text = folder.Loaded.HasFlag(ModelParts.TextEncoder)
                ? folder.Index.IsXL ? ["text_encoder", "text_encoder_2"] : new[] { "text_encoder" }
                : [];
            var textEncoders = text.Select(part => Own(new OnnxTextEncoder(Open(graphs.Graph(part))))).ToArray();
            var unets = folder.Loaded.HasFlag(ModelParts.UNet) ? Own(new UNetChoice(folder, Open)) : null;
            var encoder = graphs.Graph("vae_encoder");
            var autoencoder = folder.Loaded.HasFlag(ModelParts.Autoencoder)
                ? Own(new OnnxAutoencoder(
                    Open(graphs.Graph("vae_decoder")), File.Exists(encoder) ? Open(encoder) : null, folder.Autoencoder))
                : null;
            LoadAll(
                [
                    .. textEncoders.Select((encoder, i) => (text[i], (Action)encoder.Network.Load)),
                    .. autoencoder is null ? Array.Empty<(string, Action)>() : [("vae", autoencoder.Decoder.Load)],
                    .. unets is null ? Array.Empty<(string, Action)>() : [("unet", () => unets.For(hasControls: false, areBuiltIn: false))],
                ],
                folder,
                progress,
                cancellationToken);
            var providers = string.Join(",", options.Providers.Select(ExecutionProviders.NameOf));
            return new OnnxBackend(folder, source ?? folder.Path, $"onnx {providers}", textEncoders, unets, autoencoder, files);
        }
        catch
        {
            opened.ForEach(network => network.Dispose());
            throw;
        }

        OnnxNetwork Open(string path) => new(path, graphs.Title(path), options, typeof(DiffusionModel));

        T Own<T>(T network)
            where T : IDisposable
        {
            opened.Add(network);
            return network;
        }
    }

    public void EnsureFits(int width, int height, int rows)
    {
        if (_unets is null)
            return;
        var (scale, title) = (_folder.Autoencoder.ScaleFactor, _unets.Any.Network.Title);
        var multiple = _unets.LatentMultiple * scale;
        if (width % multiple != 0 || height % multiple != 0)
            throw new ControlNetException(
                $"{title}: this graph was traced for images whose sides are multiples of {multiple}, and the size is {width}x{height}: "
                    + $"expected for instance {Near(width)}x{Near(height)}.");
        var sample = _unets.Any.Network.Signature.Inputs.Find(GraphNames.Sample);
        var (rowsOf, columns) = (GraphReader.Size(sample, 2), GraphReader.Size(sample, 3));
        if ((rowsOf ?? height / scale) != height / scale || (columns ?? width / scale) != width / scale)
            throw new ControlNetException(
                $"{title}: was exported for images of {columns * scale}x{rowsOf * scale} only, and the size is {width}x{height}.");

        int Near(int side) => Math.Max(multiple, (side + (multiple / 2)) / multiple * multiple);
    }

    public void SetLoras(ModelParts parts, IReadOnlyList<WeightedLora> loras)
    {
        ArgumentNullException.ThrowIfNull(loras);
        if (loras.Count > 0)
            throw new ControlNetException(
                $"{_source}: LoRAs cannot be merged into ONNX graphs: expected the model's weights, with the runtime torch "
                    + "(--backend torch), or graphs that were exported with the LoRAs merged.");
    }

    public void SetTokenVectors(int encoder, int first, TensorData vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        if (vectors.Count > 0)
            throw new ControlNetException(
                $"{_source}: the text encoders of ONNX graphs take no added tokens: expected the model's weights, with the runtime "
                    + "torch (--backend torch), for textual inversions.");
    }

    public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count != _textEncoders.Length)
            throw new ArgumentException(
                $"{tokens.Count} lists of tokens, expected one for each of the {_textEncoders.Length} text encoders.", nameof(tokens));
        _use.Enter();
        try
        {
            if (_textEncoders is [var only])
                return new TextEmbedding(Single(only, tokens[0], clipSkip ?? 0), null);
            var skip = (clipSkip ?? 0) + 1;
            var (first, second) = (_textEncoders[0], _textEncoders[1]);
            var one = first.Run(tokens[0], first.State(skip));
            var two = second.Run(tokens[1], second.State(skip), second.Pooled);
            return new TextEmbedding(Concatenate(one[0], two[0]), two[1]);
        }
        finally
        {
            _use.Leave();
        }
    }

    public IDenoiser CreateDenoiser(DenoiserInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Approximation.ProblemOfGraphs is { } problem)
            throw new ControlNetException(problem);
        var unets = Loaded(_unets);
        var unet = unets.For(inputs.Controls.Count > 0, inputs.Controls.Any(control => control.Network is BuiltInControlBackend));
        return unets.IsMerged(unet)
            ? new MergedDenoiser(unet, unets.MergedPath!, _use, inputs)
            : new OnnxDenoiser(unet, _use, inputs);
    }

    public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Loaded(_autoencoder).Encode(image);
    }

    public TensorData DecodeImage(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        return Loaded(_autoencoder).Decode(latents);
    }

    public void Dispose() => _use.Close(() =>
    {
        foreach (var encoder in _textEncoders)
            encoder.Dispose();
        _unets?.Dispose();
        _autoencoder?.Dispose();
        _files?.Dispose();
    });

    private static TensorData Single(OnnxTextEncoder encoder, IReadOnlyList<int> tokens, int skip)
    {
        if (skip == 0)
            return encoder.Run(tokens, encoder.Last)[0];

        // The layers before the last are given without the final normalisation, whose weights are those that make the last one.
        var states = encoder.Run(tokens, encoder.State(skip), encoder.State(0), encoder.Last);
        return FinalNorm.Of(states[1], states[2], encoder.Network.Title).Apply(states[0]);
    }

    private static TensorData Concatenate(TensorData first, TensorData second)
    {
        var (tokens, one, two) = (first.Shape[1], first.Shape[2], second.Shape[2]);
        var result = TensorData.Zeros(1, tokens, one + two);
        for (var token = 0; token < tokens; token++)
        {
            var target = result.Values.AsSpan(token * (one + two), one + two);
            first.Values.AsSpan(token * one, one).CopyTo(target);
            second.Values.AsSpan(token * two, two).CopyTo(target[one..]);
        }

        return result;
    }

    private static void LoadAll(
        (string Part, Action Load)[] networks, ModelFolder folder, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var lengths = networks.Select(network => (double)folder.PartLength(network.Part)).ToArray();
        var done = 0.0;
        for (var i = 0; i < networks.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            networks[i].Load();
            progress?.Report(i == networks.Length - 1 ? 1 : (done += lengths[i]) / lengths.Sum());
        }
    }

    private static T Loaded<T>(T? network)
        where T : class =>
        network ?? throw new InvalidOperationException(
            $"The model was loaded without a part that is needed now ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");
}
