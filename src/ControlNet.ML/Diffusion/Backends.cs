using System.Reflection;

namespace ControlNet.ML.Diffusion;

/// <summary>Finds the runtime that the networks run on: the one given, or the one whose package the application references.</summary>
internal static class Backends
{
    // Assemblies that bring a backend, best first. Nothing else is ever loaded by name.
    private static readonly string[] Known = ["ControlNet.ML.Torch"];

    public static IBackendProvider Find()
    {
        foreach (var name in Known)
        {
            if (OptionalAssembly.TryLoad(name)?.GetCustomAttribute<BackendProviderAttribute>() is { } attribute)
                return (IBackendProvider)Activator.CreateInstance(attribute.Provider)!;
        }

        throw new ControlNetException(
            "No runtime for the networks is there: add the package ControlNet.ML.Torch to the application, and TorchSharp-cpu " +
            "(or TorchSharp-cuda-linux / TorchSharp-cuda-windows) for its native part.");
    }
}
