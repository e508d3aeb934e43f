using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Diffusion;

/// <summary>Opens networks on one runtime. An assembly offers one through <see cref="BackendProviderAttribute"/>.</summary>
public interface IBackendProvider
{
    /// <summary>Loads a base model.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="options">Device, precision, progress.</param>
    /// <param name="cancellationToken">Stops between tensors.</param>
    IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken);

    /// <summary>Loads a control network.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="options">Device, precision, progress.</param>
    /// <param name="cancellationToken">Stops between tensors.</param>
    IControlBackend OpenControl(ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken);
}

/// <summary>Names the backend that an assembly brings.</summary>
/// <param name="provider">A type with a public constructor without parameters that implements <see cref="IBackendProvider"/>.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class BackendProviderAttribute(Type provider) : Attribute
{
    /// <summary>The provider's type.</summary>
    public Type Provider { get; } = provider;
}
