using System.Reflection;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Diffusion;

/// <summary>Finds the runtime for the networks: of those whose packages the application references, the one that runs them.</summary>
internal static class Backends
{
    // Assemblies that provide a backend. No other assembly is ever loaded by name.
    private const string Torch = "ControlNet.ML.Torch", Onnx = "ControlNet.ML.Onnx";

    /// <summary>Reads ONNX files.</summary>
    /// <exception cref="ControlNetException">The application does not reference the package.</exception>
    public static IGraphReader Graphs => (Provider(Onnx) as IGraphReader) ?? throw NoRuntimeForGraphs();

    /// <summary>The runtime for a model or control network.</summary>
    /// <param name="isGraph">Whether it consists of ONNX graphs; otherwise of weights.</param>
    /// <exception cref="ControlNetException">The application references no package with a runtime.</exception>
    public static IBackendProvider For(bool isGraph)
    {
        if (isGraph)
            return Provider(Onnx) ?? throw NoRuntimeForGraphs();

        // Without torch's package, the other one exports the weights first.
        return Provider(Torch) ?? Provider(Onnx) ?? throw new ControlNetException(
            "No runtime for the networks was found: add the package ControlNet.ML.Torch to the application, and TorchSharp-cpu " +
            "(or TorchSharp-cuda-linux / TorchSharp-cuda-windows) for its native libraries; or ControlNet.ML.Onnx and " +
            "Microsoft.ML.OnnxRuntime.");
    }

    /// <summary>
    /// Whether to read the ONNX graphs of a folder that also has weights: if the runtime that was asked for runs graphs, or if it is the
    /// only one.
    /// </summary>
    /// <param name="asked">The runtime that was asked for; null for none.</param>
    public static bool PrefersGraphs(IBackendProvider? asked) =>
        asked?.RunsGraphs ?? (Provider(Torch) is null && Provider(Onnx) is not null);

    private static IBackendProvider? Provider(string assembly) =>
        OptionalAssembly.TryLoad(assembly)?.GetCustomAttribute<BackendProviderAttribute>() is { } attribute
            ? (IBackendProvider)Activator.CreateInstance(attribute.Provider)!
            : null;

    private static ControlNetException NoRuntimeForGraphs() => new(
        "No runtime for ONNX graphs was found: add the package ControlNet.ML.Onnx to the application, and Microsoft.ML.OnnxRuntime " +
        "(or Microsoft.ML.OnnxRuntime.Gpu) for its native libraries.");
}
