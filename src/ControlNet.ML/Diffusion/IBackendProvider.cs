using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Diffusion;

/// <summary>Loads networks on one runtime. An assembly provides one through <see cref="BackendProviderAttribute"/>.</summary>
public interface IBackendProvider
{
    /// <summary>Whether the runtime runs ONNX graphs; otherwise it loads weights.</summary>
    bool RunsGraphs => false;

    /// <summary>Loads a base model.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="options">Device, precision, progress.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <returns>The model; the caller disposes it.</returns>
    IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken);

    /// <summary>Loads a control network.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="options">Device, precision, progress.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <returns>The network; the caller disposes it.</returns>
    IControlBackend OpenControl(ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken);

    /// <summary>Loads a control network that is an ONNX graph.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="path">The file; or of a network that is built into a UNet's graph, the model's folder, <c>#</c> and its number.</param>
    /// <param name="options">Device, progress.</param>
    /// <param name="cancellationToken">Checked before each graph is loaded.</param>
    /// <returns>The network; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The runtime runs no graphs, or the graph is invalid.</exception>
    IControlBackend OpenControlGraph(ControlNetConfig config, string path, LoadOptions options, CancellationToken cancellationToken) =>
        throw new ControlNetException(
            $"{path}: is an ONNX graph, which the runtime {GetType().Namespace} does not run: expected the runtime ControlNet.ML.Onnx "
                + "(--backend onnx), or the network's weights.");
}

/// <summary>Names the backend that an assembly provides.</summary>
/// <param name="provider">A type with a public parameterless constructor that implements <see cref="IBackendProvider"/>.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class BackendProviderAttribute(Type provider) : Attribute
{
    /// <summary>The provider's type.</summary>
    public Type Provider { get; } = provider;
}
