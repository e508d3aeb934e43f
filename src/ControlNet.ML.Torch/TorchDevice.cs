using System.Globalization;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>The device and data type of networks.</summary>
/// <param name="Device">CPU or a GPU.</param>
/// <param name="Type">
/// Data type of the UNet and control networks. Text encoders stay in float32; <see cref="AutoencoderType"/> is the autoencoder's.
/// </param>
internal sealed record TorchDevice(Device Device, ScalarType Type)
{
    /// <summary>What <see cref="IsName"/> accepts, for messages and help.</summary>
    public const string Expected = "cpu, cuda or cuda:N";

    private const string GpuPrefix = "cuda:";

    /// <summary>The kernels chosen on this machine; null for libtorch's own choice, which is all that a GPU has.</summary>
    public KernelTable? Kernels { get; init; }

    /// <summary>Bytes per element.</summary>
    public long NumberSize => SizeOf(Type);

    /// <summary>Bytes per element of a data type of networks.</summary>
    public static long SizeOf(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : 4;

    /// <summary>Text for users, <c>torch cpu float32</c>.</summary>
    public override string ToString() =>
        $"torch {Device} {Type.ToString().ToLowerInvariant()}{(Kernels is null ? "" : ", measured kernels")}";

    /// <summary>Resolves the options: the named device, or a GPU if there is one, otherwise the CPU.</summary>
    /// <exception cref="ControlNetException">The device or the choice of kernels is unknown, or not available.</exception>
    public static TorchDevice From(LoadOptions options)
    {
        var device = Find(options.Device);
        var type = TypeOf(options.Precision == Precision.Auto ? Fastest(device) : options.Precision);
        var isMeasured = KernelChoiceNames.Of(options) == KernelChoice.Measured && device.type == DeviceType.CPU;
        return new TorchDevice(device, type) { Kernels = isMeasured ? KernelTable.OfThisMachine() : null };
    }

    /// <summary>The autoencoder's data type.</summary>
    /// <param name="options">The options.</param>
    /// <param name="config">The autoencoder.</param>
    /// <exception cref="ControlNetException">The autoencoder overflows in this precision.</exception>
    public ScalarType AutoencoderType(LoadOptions options, AutoencoderConfig config)
    {
        var precision = options.VaePrecision ?? (options.Precision == Precision.Auto ? Precision.Auto : Precision.Float32);
        if (precision == Precision.Float16 && config.ForceUpcast)
            throw new ControlNetException(
                "The precision of the autoencoder is float16, in which this one overflows ('force_upcast' in its config.json): expected "
                    + "float32 or bfloat16 (--vae-precision fp32 or bf16).");

        // Float16, the fastest of GPUs, is what it overflows in.
        if (precision == Precision.Auto)
            precision = Device.type == DeviceType.CPU ? Fastest(Device) : Precision.Float32;
        return TypeOf(precision);
    }

    private static ScalarType TypeOf(Precision precision) => precision switch
    {
        Precision.Float32 => ScalarType.Float32,
        Precision.BFloat16 => ScalarType.BFloat16,
        Precision.Float16 => ScalarType.Float16,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Unknown precision."),
    };

    /// <summary>The fastest precision that the device has instructions for.</summary>
    private static Precision Fastest(Device device) =>
        device.type == DeviceType.CUDA ? Precision.Float16
        : ProcessorInfo.Current.HasBFloat16 ? Precision.BFloat16
        : Precision.Float32;

    /// <summary>Whether a text has the form of a device's name: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    public static bool IsName(string name) => name is "cpu" or "cuda" || IndexOf(name) is not null;

    /// <summary>The message for a name that <see cref="IsName"/> refuses.</summary>
    public static string Unknown(string name) =>
        $"Device {Message.Name(name)} is unknown to the runtime torch, expected {Expected}; the execution providers of ONNX Runtime "
            + "need the runtime onnx (--backend onnx).";

    private static int? IndexOf(string name) => name.StartsWith(GpuPrefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(GpuPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    private static Device Find(string? name)
    {
        if (name is null)
            return cuda.is_available() ? CUDA : CPU;
        if (name == "cpu")
            return CPU;
        if (!IsName(name))
            throw new ControlNetException(Unknown(name));
        if (!cuda.is_available())
        {
            throw new ControlNetException(
                $"Device '{name}' is not available: " + (NativeLibraries.HasCuda
                    ? "libtorch finds no NVIDIA GPU on this machine, or its driver is missing or too old ('nvidia-smi' lists both)."
                    : "this libtorch was built for the CPU only. Instead of the tool 'controlnet', install 'controlnet-cuda'; in your own "
                        + "program, replace the package TorchSharp-cpu by TorchSharp-cuda-linux or TorchSharp-cuda-windows "
                        + "(docs/accelerators.md)."));
        }

        var index = IndexOf(name) ?? 0;
        return index < cuda.device_count()
            ? new Device(DeviceType.CUDA, index)
            : throw new ControlNetException($"Device '{name}' is not available: this machine has {cuda.device_count()}, numbered from 0.");
    }
}
