using System.Reflection;

namespace ControlNet.ML.Diffusion;

/// <summary>Finds the runtime for the networks: the one whose package the application references.</summary>
internal static class Backends
{
    // Assemblies that provide a backend, in order of preference. No other assembly is ever loaded by name.
    private static readonly string[] Known = ["ControlNet.ML.Torch"];

    public static IBackendProvider Find()
    {
        foreach (var name in Known)
        {
            if (OptionalAssembly.TryLoad(name)?.GetCustomAttribute<BackendProviderAttribute>() is { } attribute)
                return (IBackendProvider)Activator.CreateInstance(attribute.Provider)!;
        }

        throw new ControlNetException(
            "No runtime for the networks was found: add the package ControlNet.ML.Torch to the application, and TorchSharp-cpu " +
            "(or TorchSharp-cuda-linux / TorchSharp-cuda-windows) for its native libraries.");
    }
}
