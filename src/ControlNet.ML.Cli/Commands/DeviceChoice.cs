using System.CommandLine;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary>What the networks compute on, which <c>--device</c> names; each runtime has its own names.</summary>
internal static class DeviceChoice
{
    private const string Name = "--device";

    /// <summary>The option of commands that run networks on either runtime.</summary>
    public static Option<string?> Option() => new(Name)
    {
        Description = $"{TorchDevice.Expected}; by default a GPU if libtorch finds one. With ONNX graphs the execution providers, best "
            + $"first, such as cuda:1,cpu: {string.Join(", ", ExecutionProviders.Names)}; by default cpu.",
    };

    /// <summary>The option of commands that run networks on libtorch.</summary>
    public static Option<string?> TorchOption() => new(Name)
    {
        Description = $"{TorchDevice.Expected}; by default a GPU if there is one.",
    };

    /// <summary>The option of commands that run graphs.</summary>
    public static Option<string?> OnnxOption(string what) => new(Name)
    {
        Description = $"{what}, best first, such as cuda:1,cpu: {string.Join(", ", ExecutionProviders.Names)}; by default cpu.",
    };

    /// <summary>Checks the form of a device's name; whether the machine has the device is checked when it is used.</summary>
    /// <param name="device">The name; null for none.</param>
    /// <param name="backend">The runtime that was asked for. If null, the name may be of either: the model decides.</param>
    /// <exception cref="UsageException">The runtime has no such name.</exception>
    public static string? Of(string? device, IBackendProvider? backend) =>
        backend is { RunsGraphs: false } ? OfTorch(device)
        : device is null || (backend is null && TorchDevice.IsName(device)) ? device
        : OfOnnx(device, backend is null);

    /// <summary>Checks the form of a device's name of libtorch.</summary>
    /// <exception cref="UsageException">It is another.</exception>
    public static string? OfTorch(string? device) =>
        device is null || TorchDevice.IsName(device) ? device : throw new UsageException($"{Name}: {TorchDevice.Unknown(device)}");

    /// <summary>Checks the form of the names of execution providers.</summary>
    /// <exception cref="UsageException">They are others.</exception>
    public static string? OfOnnx(string? device) => device is null ? null : OfOnnx(device, isEither: false);

    /// <summary>Throws if the runtime of a model has no such device: before anything is loaded.</summary>
    /// <param name="load">How the model is loaded.</param>
    /// <param name="folder">The model.</param>
    /// <exception cref="UsageException">It has none.</exception>
    public static void Check(LoadOptions load, ModelFolder folder)
    {
        if (BackendChoice.UsesTorch(load, folder))
            OfTorch(load.Device);
    }

    private static string OfOnnx(string device, bool isEither)
    {
        try
        {
            OnnxDevice.Parse(device);
            return device;
        }
        catch (ControlNetException e)
        {
            throw new UsageException(isEither
                ? $"{Name} is {Message.Name(device)}, expected {TorchDevice.Expected}, or with ONNX graphs {OnnxDevice.Expected}."
                : $"{Name}: {e.Message}");
        }
    }
}
