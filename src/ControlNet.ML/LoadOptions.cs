using ControlNet.ML.Diffusion;
using ControlNet.ML.Hub;

namespace ControlNet.ML;

/// <summary>How a model or control network is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>
    /// The variant of the weight files to read, such as <c>fp16</c>; null for the plain ones, or the only ones that exist.
    /// </summary>
    public string? Variant { get; init; }

    /// <summary>The precision that the networks compute in, whatever the files contain.</summary>
    /// <value>Default: <see cref="Precision.Float32"/>.</value>
    public Precision Precision { get; init; }

    /// <summary>
    /// With libtorch: the precision of the autoencoder (VAE), which decodes and encodes images. Null is <see cref="Precision.Float32"/>,
    /// except where <see cref="Precision"/> is <see cref="Precision.Auto"/>: then bfloat16 on processors with instructions for it. Many
    /// autoencoders overflow in float16 (<c>force_upcast</c> in their configuration), which is refused for them.
    /// </summary>
    /// <value>Default: null.</value>
    public Precision? VaePrecision { get; init; }

    /// <summary>
    /// With libtorch: whether images are decoded and encoded in strips of rows, which takes a fraction of the memory. The strips have no
    /// seams: they see the rows around them and the norms of the whole image, and differ from it by rounding only.
    /// </summary>
    /// <value>Default: false.</value>
    public bool Tiling { get; init; }

    /// <summary>
    /// With libtorch, for a model: whether to compute the rows of a batch one after the other (those of the negative prompt, too), and to
    /// free the text encoders while images are denoised; the next prompt reads them again. Images differ by rounding only.
    /// </summary>
    /// <value>Default: false.</value>
    public bool LowMemory { get; init; }

    /// <summary>
    /// With libtorch on a CPU: the kernels that compute. Null takes the choice of the environment variable <c>CONTROLNET_KERNELS</c>
    /// (<c>plain</c> or <c>measured</c>), otherwise <see cref="KernelChoice.Plain"/>. A model and its control networks need the same one.
    /// </summary>
    /// <value>Default: null.</value>
    public KernelChoice? Kernels { get; init; }

    /// <summary>
    /// With libtorch <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null uses a GPU if there is one. With ONNX Runtime the execution providers,
    /// best first: <c>directml</c>, <c>cuda:1,cpu</c>; null uses those of the backend, by default the CPU.
    /// </summary>
    public string? Device { get; init; }

    /// <summary>For a model: the networks to load. The others cannot be used, and their weights need not exist.</summary>
    /// <value>Default: <see cref="ModelParts.All"/>.</value>
    public ModelParts Parts { get; init; } = ModelParts.All;

    /// <summary>
    /// For a model: an autoencoder (VAE) in place of the model's own, or for a file that has none: a single file, a folder in diffusers'
    /// layout, the folder of a model, or an id of the hub. A single file has the model's scaling factor.
    /// </summary>
    /// <value>Default: null, the model's own.</value>
    public string? Vae { get; init; }

    /// <summary>
    /// For a model in a single file only: a model folder in diffusers' layout with the configurations, tokenizers and scheduler that the
    /// file does not contain, and with the parts that it was pruned of.
    /// </summary>
    /// <value>Default: null: from the shapes of the tensors, and the family's.</value>
    public string? Config { get; init; }

    /// <summary>
    /// For a model in a single file only: what its UNet predicts, which the weights do not tell. Where neither the file's metadata nor a
    /// <c>.yaml</c> beside it says so, Stable Diffusion 2 is taken for 2.1, which predicts velocity, as in diffusers.
    /// </summary>
    /// <value>Default: null: recognised as far as possible.</value>
    public PredictionType? PredictionType { get; init; }

    /// <summary>
    /// For a model in a single file only: whether to use the averaged weights of training (<c>model_ema.*</c>), as in diffusers.
    /// </summary>
    /// <value>Default: false.</value>
    public bool ExtractEma { get; init; }

    /// <summary>
    /// For a model: whether to read all weights into memory while it is loaded. Otherwise they stay in the files, in the files' own type,
    /// until a network is first used: loading takes a fraction of a second, the first image longer. For programs that prefer to wait at
    /// their start, and to show <see cref="Progress"/>. ONNX Runtime always reads graphs at once.
    /// </summary>
    /// <value>Default: false.</value>
    public bool Preload { get; init; }

    /// <summary>For a control network: whether to load only its condition encoder. Such a network can encode conditions only.</summary>
    /// <value>Default: false.</value>
    public bool ConditionEncoderOnly { get; init; }

    /// <summary>
    /// For a Control-LoRA only: the model whose UNet it changes to become a control network, a folder, file or id of the hub. The options
    /// for models in a single file apply to it. Only the UNet's encoder and middle are read.
    /// </summary>
    /// <value>Default: null. Other control networks need none.</value>
    public string? ControlBase { get; init; }

    /// <summary>The runtime; null uses the one whose package the application references.</summary>
    public IBackendProvider? Backend { get; init; }

    /// <summary>The hub, for names such as <c>owner/name</c>; null for the environment's settings.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Whether the hub's files may only be taken from the cache, whatever <see cref="Hub"/> says.</summary>
    internal bool IsCachedOnly { get; init; }

    /// <summary>Progress of the loading, from 0 to 1, including the download from the hub, if there is one.</summary>
    public IProgress<double>? Progress { get; init; }
}

/// <summary>The networks of a model.</summary>
[Flags]
public enum ModelParts
{
    /// <summary>None: configurations only.</summary>
    None = 0,

    /// <summary>The text encoder, or both of them, and the tokenizers.</summary>
    TextEncoder = 1,

    /// <summary>The UNet.</summary>
    UNet = 2,

    /// <summary>The autoencoder.</summary>
    Autoencoder = 4,

    /// <summary>All of them.</summary>
    All = TextEncoder | UNet | Autoencoder,
}

/// <summary>The element types that networks compute in.</summary>
public enum Precision
{
    /// <summary>32-bit: diffusers' images, number for number.</summary>
    Float32,

    /// <summary>bfloat16: half the memory, faster where the processor has instructions for it; images differ slightly.</summary>
    BFloat16,

    /// <summary>IEEE half: half the memory; for GPUs.</summary>
    Float16,

    /// <summary>
    /// The fastest that the device has instructions for: float16 on GPUs, bfloat16 on processors with AVX-512 BF16 or AMX, otherwise
    /// float32. Images differ from machine to machine. ONNX graphs compute in the precision that they were exported in.
    /// </summary>
    Auto,
}
