using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>Where networks lie and what they compute in.</summary>
/// <param name="Device">CPU or a GPU.</param>
/// <param name="Type">The UNet's and control networks' numbers. Text encoder and autoencoder run once an image and stay in float32.</param>
internal sealed record TorchDevice(Device Device, ScalarType Type)
{
    /// <summary>Bytes of a number.</summary>
    public long NumberSize => SizeOf(Type);

    /// <summary>Bytes of a number of a type that networks compute in.</summary>
    public static long SizeOf(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : 4;

    /// <summary>As it is told to users, <c>torch cpu float32</c>.</summary>
    public override string ToString() => $"torch {Device} {Type.ToString().ToLowerInvariant()}";

    /// <summary>Reads the options: the device they name, or a GPU where there is one, else the CPU.</summary>
    /// <exception cref="ControlNetException">The device is unknown or not there.</exception>
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
                $"Device '{name}' is not there: libtorch sees no NVIDIA GPU. Build the application with -p:Accelerator=cuda on a machine that has one.");
        }

        var index = name == "cuda" ? 0 : int.Parse(name.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture);
        return index < cuda.device_count()
            ? new Device(DeviceType.CUDA, index)
            : throw new ControlNetException($"Device '{name}' is not there: this machine has {cuda.device_count()}, numbered from 0.");
    }
}
