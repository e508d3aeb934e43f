using ControlNet.ML.Torch.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>The device and data type of networks.</summary>
/// <param name="Device">CPU or a GPU.</param>
/// <param name="Type">
/// Data type of the UNet and control networks. Text encoder and autoencoder run once per image and stay in float32.
/// </param>
internal sealed record TorchDevice(Device Device, ScalarType Type)
{
    /// <summary>Bytes per element.</summary>
    public long NumberSize => SizeOf(Type);

    /// <summary>Bytes per element of a data type of networks.</summary>
    public static long SizeOf(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : 4;

    /// <summary>Text for users, <c>torch cpu float32</c>.</summary>
    public override string ToString() => $"torch {Device} {Type.ToString().ToLowerInvariant()}";

    /// <summary>Resolves the options: the named device, or a GPU if there is one, otherwise the CPU.</summary>
    /// <exception cref="ControlNetException">The device is unknown or not available.</exception>
    public static TorchDevice From(LoadOptions options)
    {
        var type = options.Precision switch
        {
            Precision.Float32 => ScalarType.Float32,
            Precision.BFloat16 => ScalarType.BFloat16,
            Precision.Float16 => ScalarType.Float16,
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Precision, "Unknown precision."),
        };
        return new TorchDevice(Find(options.Device), type);
    }

    private static Device Find(string? name)
    {
        if (name is null)
            return cuda.is_available() ? CUDA : CPU;
        if (name == "cpu")
            return CPU;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out _)))
            throw new ControlNetException($"Device '{name}' is unknown, expected cpu, cuda or cuda:N.");
        if (!cuda.is_available())
        {
            throw new ControlNetException(
                $"Device '{name}' is not available: " + (NativeLibraries.HasCuda
                    ? "libtorch finds no NVIDIA GPU on this machine, or its driver is missing or too old ('nvidia-smi' lists both)."
                    : "this libtorch was built for the CPU only. Instead of the tool 'controlnet', install 'controlnet-cuda'; in your own "
                        + "program, replace the package TorchSharp-cpu by TorchSharp-cuda-linux or TorchSharp-cuda-windows "
                        + "(docs/accelerators.md)."));
        }

        var index = name == "cuda" ? 0 : int.Parse(name.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture);
        return index < cuda.device_count()
            ? new Device(DeviceType.CUDA, index)
            : throw new ControlNetException($"Device '{name}' is not available: this machine has {cuda.device_count()}, numbered from 0.");
    }
}
