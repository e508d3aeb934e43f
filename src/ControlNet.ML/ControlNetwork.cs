using ControlNet.ML.Conditions;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Hub;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>
/// A loaded control network. Independent of the base model: it can be swapped, shared by several models of its family and disposed, without
/// reloading anything else.
/// </summary>
public sealed class ControlNetwork : IDisposable
{
    // Several models, each with its own gate, may share the network.
    private readonly Lock _gate = new();

    private ControlNetwork(string name, string path, LoadOptions options, IControlBackend backend)
    {
        (Name, Path, Options, Backend) = (name, System.IO.Path.GetFullPath(path), options, backend);
        Reference = new(() => WeightReference.Of(this));
        Hash = new WeightHash(() => Source().Graph is not null ? Source().Files is [var only] ? only : null
            : File.Exists(Path) ? Path
            : PartFiles.Find(Path, NetworkKind.ControlNetwork, options.Variant)?.Single);
    }

    /// <summary>The name it was loaded by.</summary>
    public string Name { get; }

    /// <summary>The name that images record: of a network of the hub, with the commit.</summary>
    internal string RecordedName => ModelHub.PinnedName(Name, Path) ?? Name;

    /// <summary>The network's configuration.</summary>
    public ControlNetConfig Config => Backend.Config;

    /// <summary>The network on its backend.</summary>
    public IControlBackend Backend { get; }

    /// <summary>The SHA-256 of its file.</summary>
    internal WeightHash Hash { get; }

    /// <summary>The full path of its folder or file.</summary>
    internal string Path { get; }

    /// <summary>The options that it was loaded with.</summary>
    internal LoadOptions Options { get; }

    /// <summary>The reference that a saved component stores.</summary>
    internal Lazy<WeightReference> Reference { get; }

    /// <summary>Whether the network is disposed.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Loads a control network.</summary>
    /// <param name="nameOrPath">
    /// A network of an embedded model (<c>emoji/canny</c>), a folder in diffusers' layout, a single .safetensors file in diffusers' or
    /// the original naming, a Control-LoRA (see <see cref="LoadOptions.ControlBase"/>),
    /// an ONNX graph (.onnx, or a folder with <c>model.onnx</c>; or a network that is built into a model's UNet, the
    /// model's folder with <c>#1</c>), or an id of the Hugging Face hub, <c>owner/name[@revision][:subfolder or file]</c>, which is fetched
    /// into the cache unless it is there.
    /// </param>
    /// <param name="options">Precision, device, variant of the files.</param>
    /// <param name="cancellationToken">Stops the download and the loading.</param>
    /// <returns>The network; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">There is no such network, its files are invalid, or there is no runtime.</exception>
    /// <exception cref="OperationCanceledException">The loading was cancelled.</exception>
    public static ControlNetwork Load(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        (var path, options) = ModelNames.Locate(ModelNames.FindControl, nameOrPath, options ?? new LoadOptions(), cancellationToken);
        var source = ControlSource.Open(path, options);
        var provider = options.Backend ?? Backends.For(source.Graph is not null);
        if (source.Graph is { } graph)
        {
            var backend = provider.OpenControlGraph(source.Config, graph, options, cancellationToken);
            return new ControlNetwork(nameOrPath, path, options, backend);
        }

        using var weights = source.OpenWeights();
        return new ControlNetwork(nameOrPath, path, options, provider.OpenControl(source.Config, weights, options, cancellationToken));
    }

    /// <summary>Loads a control network on a thread of the pool.</summary>
    /// <inheritdoc cref="Load"/>
    public static Task<ControlNetwork> LoadAsync(
        string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(nameOrPath, options, cancellationToken), cancellationToken);

    /// <summary>Opens its files again.</summary>
    internal ControlSource Source() => ControlSource.Open(Path, Options);

    /// <summary>Opens its weight files again.</summary>
    internal WeightSource OpenWeights() => Source().OpenWeights();

    /// <summary>Wraps a network that is already in memory, such as one that is being trained. Takes ownership of the backend.</summary>
    /// <param name="path">The path that it will be saved to.</param>
    /// <param name="options">The options that its base model was loaded with.</param>
    /// <param name="backend">The network.</param>
    internal static ControlNetwork Around(string path, LoadOptions options, IControlBackend backend) => new(path, path, options, backend);

    /// <summary>Encodes a condition image; once is enough for any number of images and steps.</summary>
    /// <param name="condition">The condition, at the size of the generated images.</param>
    /// <returns>The hint, [1, C, h, w].</returns>
    /// <exception cref="ControlNetException">There is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public TensorData Encode(ImageBuffer condition) => Encode(TensorImages.ToUnit(condition));

    /// <summary>Encodes a condition for images of a size, stretching it if its own size differs.</summary>
    internal TensorData Encode(ImageBuffer condition, int width, int height) => Encode(ConditionImages.ToTensor(condition, width, height));

    /// <summary>Encodes a condition that has more than 8 bits. Thread-safe: concurrent calls wait for each other.</summary>
    /// <param name="condition">[1, 3, H, W] from 0 to 1, at the size of the generated images.</param>
    /// <returns>The hint, [1, C, h, w].</returns>
    /// <exception cref="ArgumentException">The condition has another shape.</exception>
    /// <exception cref="ControlNetException">There is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public TensorData Encode(TensorData condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        if (condition.Shape is not [>= 1, 3, >= 1, >= 1])
            throw new ArgumentException($"The condition is {condition}, expected [1, 3, height, width].", nameof(condition));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return Backend.EncodeCondition(condition);
        }
    }

    /// <summary>Computes the network's residuals at one timestep, before any scale.</summary>
    /// <param name="sample">The noisy latents, [1, C, h, w].</param>
    /// <param name="timestep">The timestep, 0 (clean) to 999 (noise) for Stable Diffusion.</param>
    /// <param name="text">The encoded prompt, from <see cref="DiffusionModel.EncodeText"/>.</param>
    /// <param name="condition">The condition; the autoencoder's scale factor times larger than the latents.</param>
    /// <returns>
    /// One tensor for each zero convolution, [1, channels, rows, columns]: the skip connections in the encoder's order, the middle block's
    /// last.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    /// <exception cref="ArgumentException">
    /// The network also needs sizes (SDXL); call <see cref="IControlBackend.Residuals"/> with them.
    /// </exception>
    public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, TextEmbedding text, ImageBuffer condition)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Config.AdditionEmbedType is not null)
            throw new ArgumentException($"{Name} also needs pooled text and sizes, as SDXL's networks do.", nameof(text));
        return Backend.Residuals(sample, timestep, new DenoiserInputs { Text = text.Hidden }, Encode(condition));
    }

    /// <summary>
    /// Frees the network. Waits for the running computation, at most one denoising step; unfinished images, and later calls, throw
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        IsDisposed = true;
        Hash.Dispose();
        Backend.Dispose();
    }
}
