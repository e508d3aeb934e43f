using ControlNet.ML.Conditions;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>
/// A control network, ready to run. Independent of the base model: it can be swapped, shared by several models of its family, and
/// disposed of, without reloading anything else.
/// </summary>
public sealed class ControlNetwork : IDisposable
{
    // Several models, each behind a gate of its own, may share the network.
    private readonly Lock _gate = new();

    private ControlNetwork(string name, string path, LoadOptions options, IControlBackend backend)
    {
        (Name, Path, Options, Backend) = (name, System.IO.Path.GetFullPath(path), options, backend);
        Reference = new(() => WeightReference.Of(this));
    }

    /// <summary>The name it was loaded by.</summary>
    public string Name { get; }

    /// <summary>The network's shape.</summary>
    public ControlNetConfig Config => Backend.Config;

    /// <summary>The network behind the seam.</summary>
    public IControlBackend Backend { get; }

    /// <summary>Its folder or file, in full.</summary>
    internal string Path { get; }

    /// <summary>How it was loaded.</summary>
    internal LoadOptions Options { get; }

    /// <summary>What a saved component remembers of it.</summary>
    internal Lazy<WeightReference> Reference { get; }

    /// <summary>Whether the network is gone.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Loads a control network.</summary>
    /// <param name="nameOrPath">
    /// A network of an embedded model (<c>emoji/canny</c>), a folder in diffusers' layout, or a single .safetensors file in diffusers' or the original naming.
    /// </param>
    /// <param name="options">Precision, device, variant of the files.</param>
    /// <param name="cancellationToken">Stops the loading.</param>
    /// <exception cref="ControlNetException">There is no such network, its files are not sound, or there is no runtime.</exception>
    public static ControlNetwork Load(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        options ??= new LoadOptions();
        var provider = options.Backend ?? Backends.Find();
        var path = ModelNames.FindControl(nameOrPath);
        var source = ControlSource.Open(path, options.Variant);
        using var weights = source.OpenWeights();
        return new ControlNetwork(nameOrPath, path, options, provider.OpenControl(source.Config, weights, options, cancellationToken));
    }

    /// <summary>Opens its weight files again.</summary>
    internal WeightSource OpenWeights() => ControlSource.Open(Path, Options.Variant).OpenWeights();

    /// <summary>A network that is in memory already, such as one that is being trained. It frees the network that is passed.</summary>
    /// <param name="path">Where it will lie.</param>
    /// <param name="options">How its base was loaded.</param>
    /// <param name="backend">The network.</param>
    internal static ControlNetwork Around(string path, LoadOptions options, IControlBackend backend) => new(path, path, options, backend);

    /// <summary>Encodes a condition image; once is enough for any number of images and steps.</summary>
    /// <param name="condition">The condition, of the size of the images to be made.</param>
    /// <returns>The hint, [1, C, h, w].</returns>
    public TensorData Encode(ImageBuffer condition) => Encode(TensorImages.ToUnit(condition));

    /// <summary>Encodes a condition for images of a size, to which it is stretched where its own is another.</summary>
    internal TensorData Encode(ImageBuffer condition, int width, int height) => Encode(ConditionImages.ToTensor(condition, width, height));

    /// <summary>Encodes a condition, [1, 3, H, W] from 0 to 1. Calls from several threads wait for each other.</summary>
    internal TensorData Encode(TensorData condition)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return Backend.EncodeCondition(condition);
        }
    }

    /// <summary>What the network would add to the base model at one timestep: its residuals, before any scale.</summary>
    /// <param name="sample">The noisy latents, [1, C, h, w].</param>
    /// <param name="timestep">The timestep, 0 (clean) to 999 (noise) for Stable Diffusion.</param>
    /// <param name="text">The encoded prompt, from <see cref="DiffusionModel.EncodeText"/>.</param>
    /// <param name="condition">The condition, as many times larger than the latents as the autoencoder says.</param>
    /// <returns>One tensor for each zero convolution, [1, channels, rows, columns]: the skip connections in the encoder's order, the middle last.</returns>
    /// <exception cref="ArgumentException">The network wants sizes, too (SDXL); call <see cref="IControlBackend.Residuals"/> with them.</exception>
    public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, TextEmbedding text, ImageBuffer condition)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Config.AdditionEmbedType is not null)
            throw new ArgumentException($"{Name} wants pooled text and sizes, too, as SDXL's networks do.", nameof(text));
        return Backend.Residuals(sample, timestep, new DenoiserInputs { Text = text.Hidden }, Encode(condition));
    }

    /// <summary>
    /// Frees the network. Waits for what is being computed, at most a step of denoising; images that are not finished, and later calls, throw
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        IsDisposed = true;
        Backend.Dispose();
    }
}
