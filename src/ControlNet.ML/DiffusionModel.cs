using System.Runtime.CompilerServices;
using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Hub;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>
/// A locked base model: text encoder, UNet, autoencoder, tokenizer and scheduler. Thread-safe, but it does one thing at a time: concurrent
/// calls wait for each other.
/// </summary>
public sealed partial class DiffusionModel : IDisposable
{
    private readonly ModelGate _gate = new();
    private EmbeddingSet _embeddings;

    private DiffusionModel(
        string name,
        ModelFolder folder,
        LoadOptions options,
        ClipTokenizer[] tokenizers,
        SchedulerConfig scheduler,
        IDiffusionBackend backend)
    {
        Name = name;
        Options = options;
        Folder = folder;
        _embeddings = EmbeddingSet.Of(tokenizers);
        Scheduler = scheduler;
        Backend = backend;
        Reference = new(() => WeightReference.Of(this));
        Pipeline = new GenerationPipeline(this);
        Loras = new LoraLibrary(name, folder, options);
        Hash = new WeightHash(() => !folder.Loaded.HasFlag(ModelParts.UNet) ? null
            : folder.IsSingleFile ? folder.Path
            : folder.PartFiles("unet") is [var file] ? file : null);
    }

    /// <summary>The name it was loaded by.</summary>
    public string Name { get; }

    /// <summary>The name that images record: of a model of the hub, with the commit.</summary>
    internal string RecordedName => ModelHub.PinnedName(Name, Folder.Path) ?? Name;

    /// <summary>Its folder and configurations.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The configuration of the model folder's scheduler.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>The networks on their backend.</summary>
    public IDiffusionBackend Backend { get; }

    /// <summary>The image size in pixels that the model was trained with, 512 for Stable Diffusion 1.</summary>
    public int NativeSize => Folder.NativeSize;

    /// <summary>The number of tokens that the text encoder takes, including start, end and padding.</summary>
    internal int TextTokens => Folder.TextEncoder.MaxPositionEmbeddings;

    /// <summary>The options that it was loaded with.</summary>
    internal LoadOptions Options { get; }

    /// <summary>The reference that a saved component stores.</summary>
    internal Lazy<WeightReference> Reference { get; }

    /// <summary>Generates images from requests.</summary>
    internal GenerationPipeline Pipeline { get; }

    /// <summary>The LoRAs that requests can name.</summary>
    internal LoraLibrary Loras { get; }

    /// <summary>The SHA-256 of the single file, or of the folder's UNet.</summary>
    internal WeightHash Hash { get; }

    /// <summary>Whether the model is disposed.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Waits until no other thread uses the networks.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Releases them when disposed, which must be on the same thread.</returns>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    internal ModelGate.Use Enter(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return _gate.Enter(cancellationToken);
    }

    /// <summary>Loads a model.</summary>
    /// <param name="nameOrPath">
    /// The name of an embedded model (<c>emoji</c>), a folder in diffusers' layout, a single file (.safetensors, .ckpt), or an id of the
    /// Hugging Face hub, <c>owner/name[@revision][:subfolder]</c>, which is fetched into the cache unless it is there.
    /// </param>
    /// <param name="options">Precision, device, variant of the files, VAE.</param>
    /// <param name="cancellationToken">Stops the download and the loading.</param>
    /// <returns>The model; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">There is no such model, its files are invalid, or there is no runtime.</exception>
    /// <exception cref="OperationCanceledException">The loading was cancelled.</exception>
    public static DiffusionModel Load(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        var (path, rest) = ModelNames.Locate(ModelNames.FindModel, nameOrPath, options ?? new LoadOptions(), cancellationToken);
        if (rest.Vae is { } vae)
            ModelNames.FindVae(vae, rest with { Progress = null }, cancellationToken);
        return Load(nameOrPath, ModelFolder.Open(path, rest), rest, cancellationToken);
    }

    /// <summary>Loads a model from an open folder.</summary>
    internal static DiffusionModel Load(string name, ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        var tokenizers = options.Parts.HasFlag(ModelParts.TextEncoder) ? folder.ReadTokenizers() : [];
        var scheduler = folder.ReadScheduler();
        var backend = (options.Backend ?? Backends.For(folder.Graphs is not null)).Open(folder, options, cancellationToken);
        return new DiffusionModel(name, folder, options, tokenizers, scheduler, backend);
    }

    /// <summary>Generates an image.</summary>
    /// <param name="prompt">The prompt; may be empty.</param>
    /// <param name="options">Steps, guidance scale, seed, size and so on; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The image, with its latents and settings.</returns>
    /// <exception cref="ArgumentException">
    /// A value is outside its range, or the size is not a multiple of the autoencoder's scale factor.
    /// </exception>
    /// <exception cref="ControlNetException">
    /// The model does not take the inputs, the image does not fit into memory, or its values are not finite.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    [OverloadResolutionPriority(1)] // Generate(prompt, null) fits both overloads.
    public GeneratedImage Generate(string prompt, GenerateOptions? options = null, CancellationToken cancellationToken = default) =>
        Generate(prompt, [], options, cancellationToken);

    /// <summary>Generates an image with control networks.</summary>
    /// <param name="prompt">The prompt; may be empty.</param>
    /// <param name="controls">Control networks with their conditions; null or empty for none.</param>
    /// <param name="options">Steps, guidance scale, seed, size and so on; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The image, with its latents and settings.</returns>
    /// <exception cref="ArgumentException">
    /// A value is outside its range, or the size is not a multiple of the autoencoder's scale factor.
    /// </exception>
    /// <exception cref="ControlNetException">
    /// A control network is of another family than the model, the model does not take the inputs, the image does not fit into memory, or
    /// its values are not finite.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model or a control network is disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    public GeneratedImage Generate(
        string prompt,
        IReadOnlyList<ControlInput>? controls,
        GenerateOptions? options = null,
        CancellationToken cancellationToken = default) =>
        GenerateBatch([new GenerateRequest(prompt, controls ?? [], options ?? new GenerateOptions())], cancellationToken)[0];

    /// <summary>
    /// Generates several images in one batch, which is faster than one by one if a single image does not use the device fully.
    /// </summary>
    /// <param name="requests">
    /// The requests: the same size, scheduler and number of steps for all, and the same control networks in the same order, of which each
    /// image may leave some out (scale 0). Only prompts of as many windows run together, see <see cref="LongPrompts"/>. The first request's
    /// progress is reported.
    /// </param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>
    /// The images, in the order of the requests. An image does not depend on the others in its batch, except for rounding.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// There are no requests, a value is outside its range, or they cannot be generated together.
    /// </exception>
    /// <exception cref="ControlNetException">
    /// A control network is of another family than the model, the model does not take the inputs, the images do not fit into memory
    /// together, or values are not finite.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model or a control network is disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    public IReadOnlyList<GeneratedImage> GenerateBatch(
        IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0)
            throw new ArgumentException("No requests, expected at least one.", nameof(requests));
        using var use = Enter(cancellationToken);
        return Pipeline.RunTogether(requests, cancellationToken);
    }

    /// <summary>
    /// Measures the batch size that takes the least time per image on this machine: a few steps each of 1, 2, 4 and so on together, as long
    /// as they fit into memory and twice as many still save time.
    /// </summary>
    /// <param name="request">An image like those to generate: its size, control networks, guidance and scheduler matter.</param>
    /// <param name="most">The largest size to try, at least 1.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The batch size, a power of 2.</returns>
    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    /// <exception cref="ControlNetException">The request does not fit the model, or a single image does not fit into memory.</exception>
    /// <exception cref="ObjectDisposedException">The model or a control network is disposed.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public int MeasureBatchSize(GenerateRequest request, int most = 32, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        using var use = Enter(cancellationToken);
        return new BatchSizeMeter(this).Measure(request, most, cancellationToken);
    }

    /// <summary>Generates images from any requests, in batches where possible. A request that fails does not affect the others.</summary>
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

    /// <summary>Denoises prepared requests, in batches where possible. A request that fails does not affect the others.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="stepping">Called after each step; may throw to stop.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>For each request the latents, [1, C, h, w], or a failure that <see cref="GenerateResult.IsOwn"/>.</returns>
    internal GenerateResult<TensorData>[] DenoiseEach(
        IReadOnlyList<DenoisingRequest> requests, Action stepping, CancellationToken cancellationToken)
    {
        using var use = Enter(cancellationToken);
        return Pipeline.Denoise(requests, stepping, cancellationToken);
    }

    /// <summary>Generates an image and yields every step, whose preview is decoded only on demand.</summary>
    /// <param name="prompt">The prompt; may be empty.</param>
    /// <param name="controls">Control networks with their conditions; null or empty for none.</param>
    /// <param name="options">Steps, guidance scale, seed, size and so on; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The steps, computed one at a time as they are asked for, on a thread of the pool.</returns>
    /// <exception cref="ArgumentException">
    /// A value is outside its range, or the size is not a multiple of the autoencoder's scale factor.
    /// </exception>
    /// <exception cref="ControlNetException">
    /// A control network is of another family than the model, the model does not take the inputs, the image does not fit into memory, or
    /// its values are not finite.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model or a control network is disposed.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    public async IAsyncEnumerable<GenerationStep> GenerateSteps(
        string prompt,
        IReadOnlyList<ControlInput>? controls = null,
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
                new GenerateRequest(prompt, controls ?? [], options ?? new GenerateOptions()),
                new PromptEncoder(this),
                stepping: null,
                cancellationToken);
        }

        // Others may use the model between two steps: the caller may take any time before it asks for the next one.
        bool Next()
        {
            using var use = Enter(cancellationToken);
            return steps.MoveNext();
        }
    }

    /// <summary>Encodes an image: the mean of the posterior.</summary>
    /// <param name="image">[1, 3, H, W], from -1 to 1; H and W multiples of the autoencoder's scale factor.</param>
    /// <returns>[1, C, h, w], scaled for the scheduler.</returns>
    /// <exception cref="ControlNetException">There is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public TensorData Encode(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var use = Enter();
        var latents = Backend.EncodeImage(image).Mean;
        DiagonalGaussian.Mode(Folder.Autoencoder, latents.Values);
        return latents;
    }

    /// <summary>Decodes latents to values from 0 to 1.</summary>
    /// <param name="latents">[1, C, h, w], scaled as the scheduler returns them.</param>
    /// <returns>[1, 3, H, W].</returns>
    /// <exception cref="ControlNetException">There is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public TensorData Decode(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var config = Folder.Autoencoder;
        var unscaled = latents.Clone();
        for (var i = 0; i < unscaled.Count; i++)
            unscaled.Values[i] = (float)((unscaled.Values[i] / config.ScalingFactor) + (config.ShiftFactor ?? 0));
        var image = Backend.DecodeImage(unscaled);
        for (var i = 0; i < image.Count; i++)
            image.Values[i] = Math.Clamp((image.Values[i] / 2) + 0.5f, 0, 1);
        return image;
    }

    /// <summary>
    /// Frees the networks. Waits for the running computation, at most one denoising step; unfinished and later calls throw
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        IsDisposed = true;
        Hash.Dispose();
        Backend.Dispose();
    }
}
