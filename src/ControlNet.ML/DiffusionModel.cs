using System.Runtime.CompilerServices;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>A locked base model: text encoder, UNet, autoencoder, tokenizer and scheduler. It does one thing at a time: calls from several threads wait for each other.</summary>
public sealed class DiffusionModel : IDisposable
{
    private readonly ClipTokenizer[] _tokenizers;
    private readonly ModelGate _gate = new();

    private DiffusionModel(
        string name, ModelFolder folder, LoadOptions options, ClipTokenizer[] tokenizers, SchedulerConfig scheduler, IDiffusionBackend backend)
    {
        Name = name;
        Options = options;
        Folder = folder;
        _tokenizers = tokenizers;
        Scheduler = scheduler;
        Backend = backend;
        Reference = new(() => WeightReference.Of(this));
        Pipeline = new GenerationPipeline(this);
    }

    /// <summary>The name it was loaded by.</summary>
    public string Name { get; }

    /// <summary>Its folder and configurations.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The sampler that the model's folder names.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>The networks behind the seam.</summary>
    public IDiffusionBackend Backend { get; }

    /// <summary>The side in pixels that the model was trained with, 512 for Stable Diffusion 1.</summary>
    public int NativeSize => Folder.NativeSize;

    /// <summary>How many tokens the text encoder takes, start, end and padding included.</summary>
    internal int TextTokens => Folder.TextEncoder.MaxPositionEmbeddings;

    /// <summary>How it was loaded.</summary>
    internal LoadOptions Options { get; }

    /// <summary>What a saved component remembers of it.</summary>
    internal Lazy<WeightReference> Reference { get; }

    /// <summary>The stages from requests to images.</summary>
    internal GenerationPipeline Pipeline { get; }

    /// <summary>Whether its networks are gone.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Waits until no other thread uses the networks.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Gives them back when disposed, on the same thread.</returns>
    /// <exception cref="ObjectDisposedException">The model is gone.</exception>
    internal ModelGate.Use Enter(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return _gate.Enter(cancellationToken);
    }

    /// <summary>Loads a model.</summary>
    /// <param name="nameOrPath">The name of an embedded model (<c>emoji</c>), or a folder in diffusers' layout.</param>
    /// <param name="options">Precision, device, variant of the files.</param>
    /// <param name="cancellationToken">Stops the loading.</param>
    /// <exception cref="ControlNetException">There is no such model, its files are not sound, or there is no runtime.</exception>
    public static DiffusionModel Load(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        options ??= new LoadOptions();
        return Load(nameOrPath, ModelFolder.Open(ModelNames.FindModel(nameOrPath), options.Variant, options.Parts), options, cancellationToken);
    }

    /// <summary>Loads a model whose folder is open.</summary>
    internal static DiffusionModel Load(string name, ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        var tokenizers = options.Parts.HasFlag(ModelParts.TextEncoder) ? folder.ReadTokenizers() : [];
        var scheduler = folder.ReadScheduler();
        var backend = (options.Backend ?? Backends.Find()).Open(folder, options, cancellationToken);
        return new DiffusionModel(name, folder, options, tokenizers, scheduler, backend);
    }

    /// <summary>Makes one image.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ArgumentException">A value is outside its range, or the size is no multiple of the autoencoder's factor.</exception>
    public GeneratedImage Generate(string prompt, GenerateOptions? options = null, CancellationToken cancellationToken = default) =>
        Generate(prompt, [], options, cancellationToken);

    /// <summary>Makes one image under control.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="controls">One or several control networks with their conditions.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ArgumentException">A value is outside its range, or the size is no multiple of the autoencoder's factor.</exception>
    /// <exception cref="ControlNetException">A control network is of another family than the model.</exception>
    public GeneratedImage Generate(
        string prompt, IReadOnlyList<ControlInput> controls, GenerateOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateBatch([new GenerateRequest(prompt, controls, options ?? new GenerateOptions())], cancellationToken)[0];

    /// <summary>Makes several images together, which is faster than one by one where the device is not busy with one.</summary>
    /// <param name="requests">
    /// The images: one size, scheduler and number of steps for all, and the same control networks in the same order, of which each image may
    /// leave some out (scale 0). The first one's progress is reported.
    /// </param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The images, in the order of the requests. An image is the same whatever it is made together with, up to rounding.</returns>
    /// <exception cref="ArgumentException">There is none, a value is outside its range, or they cannot be made together.</exception>
    /// <exception cref="ControlNetException">A control network is of another family than the model.</exception>
    public IReadOnlyList<GeneratedImage> GenerateBatch(IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0)
            throw new ArgumentException("No image to make.", nameof(requests));
        using var use = Enter(cancellationToken);
        return Pipeline.RunTogether(requests, cancellationToken);
    }

    /// <summary>Makes images of any requests, together where they can be. One that fails fails alone.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="stepping">Called before each request and after each step; may throw to stop.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>For each request the image, or a failure that <see cref="GenerateResult.IsOwn"/>.</returns>
    internal IReadOnlyList<GenerateResult<GeneratedImage>> GenerateEach(
        IReadOnlyList<GenerateRequest> requests, Action? stepping = null, CancellationToken cancellationToken = default)
    {
        using var use = Enter(cancellationToken);
        return Pipeline.Run(requests, stepping, cancellationToken);
    }

    /// <summary>Denoises what is encoded already, together where it can be. One that fails fails alone.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="stepping">Called after each step; may throw to stop.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>For each request the latents, [1, C, h, w], or a failure that <see cref="GenerateResult.IsOwn"/>.</returns>
    internal GenerateResult<TensorData>[] DenoiseEach(IReadOnlyList<DenoisingRequest> requests, Action stepping, CancellationToken cancellationToken)
    {
        using var use = Enter(cancellationToken);
        return Pipeline.Denoise(requests, stepping, cancellationToken);
    }

    /// <summary>Makes one image and shows it on the way: every element is a step, decoded only when asked.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="controls">Control networks with their conditions; may be empty.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public async IAsyncEnumerable<GenerationStep> GenerateSteps(
        string prompt,
        IReadOnlyList<ControlInput> controls,
        GenerateOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var image = await Task.Run(Prepare, cancellationToken).ConfigureAwait(false);
        using var steps = Pipeline.Steps([image.Denoising], cancellationToken).GetEnumerator();
        while (await Task.Run(Next, cancellationToken).ConfigureAwait(false))
            yield return new GenerationStep(steps.Current.Step, steps.Current.Steps, steps.Current.LatentsOf(0), image.Decode);

        PreparedImage Prepare()
        {
            using var use = Enter(cancellationToken);
            return Pipeline.Prepare(
                new GenerateRequest(prompt, controls, options ?? new GenerateOptions()), new PromptEncoder(this), stepping: null, cancellationToken);
        }

        // Between two steps others may use the model: nobody knows when the next one is asked for.
        bool Next()
        {
            using var use = Enter(cancellationToken);
            return steps.MoveNext();
        }
    }

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The text; what the encoder has no room for is cut.</param>
    /// <param name="clipSkip">How many of the last layers to leave out, or null.</param>
    /// <param name="warnings">Receives a line that names what was cut, if anything was.</param>
    public TextEmbedding EncodeText(string prompt, int? clipSkip = null, ICollection<string>? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (_tokenizers.Length == 0)
            throw new InvalidOperationException($"{Name} was loaded without its text encoder ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");
        var tokenized = _tokenizers.Select(tokenizer => tokenizer.Tokenize(prompt)).ToArray();
        if (tokenized[0].Truncated is { } cut)
        {
            warnings?.Add(
                $"The prompt is longer than the {_tokenizers[0].MaxLength - 2} tokens that the text encoder takes; left out: {Message.Name(cut.Trim())}.");
        }

        using var use = Enter();
        var text = Backend.EncodeText([.. tokenized.Select(t => t.Ids)], clipSkip);
        NotFiniteException.Check(text.Hidden, "The encoded prompt");
        return text;
    }

    /// <summary>Encodes an image: the mean of the posterior.</summary>
    /// <param name="image">[1, 3, H, W], from -1 to 1; H and W multiples of the autoencoder's factor.</param>
    /// <returns>[1, C, h, w], scaled as the sampler has them.</returns>
    public TensorData Encode(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var use = Enter();
        var latents = Backend.EncodeImage(image).Mean;
        DiagonalGaussian.Mode(Folder.Autoencoder, latents.Values);
        return latents;
    }

    /// <summary>Decodes latents to values from 0 to 1.</summary>
    /// <param name="latents">[1, C, h, w], scaled as the sampler leaves them.</param>
    /// <returns>[1, 3, H, W].</returns>
    public TensorData Decode(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var config = Folder.Autoencoder;
        var unscaled = latents.Clone();
        for (var i = 0; i < unscaled.Count; i++)
            unscaled.Values[i] = (float)((unscaled.Values[i] / config.ScalingFactor) + (config.ShiftFactor ?? 0));
        var picture = Backend.DecodeImage(unscaled);
        for (var i = 0; i < picture.Count; i++)
            picture.Values[i] = Math.Clamp((picture.Values[i] / 2) + 0.5f, 0, 1);
        return picture;
    }

    /// <summary>
    /// Frees the networks. Waits for what is being computed, at most a step of denoising; calls that are not finished, and later ones, throw
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        IsDisposed = true;
        Backend.Dispose();
    }
}

/// <summary>One step on the way to an image.</summary>
/// <param name="Step">Which, from 0.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Latents">The latents, [1, C, h, w]; overwritten by the next step.</param>
/// <param name="Decode">Decodes them: the preview, and after the last step the image.</param>
public sealed record GenerationStep(int Step, int Steps, TensorData Latents, Func<TensorData, GeneratedImage> Decode)
{
    /// <summary>The image as it stands.</summary>
    public GeneratedImage Image() => Decode(Latents);
}
