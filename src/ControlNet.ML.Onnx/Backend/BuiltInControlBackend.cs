using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Onnx;

/// <summary>
/// A control network that is built into a UNet's graph: it has no graph of its own, and only marks which of the UNet's conditions and
/// scales are meant.
/// </summary>
/// <param name="config">The network's configuration.</param>
/// <param name="graph">The full path of the UNet's graph.</param>
/// <param name="index">Its index among the graph's networks, from 0.</param>
/// <param name="title">Its name in messages.</param>
internal sealed class BuiltInControlBackend(ControlNetConfig config, string graph, int index, string title) : IControlBackend
{
    public ControlNetConfig Config => config;

    /// <summary>The full path of the UNet's graph.</summary>
    public string Graph => graph;

    /// <summary>Its index among the graph's networks, from 0.</summary>
    public int Index => index;

    /// <summary>Its name in messages.</summary>
    public string Title => title;

    public IReadOnlyList<int> HintShape(int width, int height) => [1, Config.ConditioningChannels, height, width];

    /// <summary>The condition itself: the UNet's graph encodes it.</summary>
    public TensorData EncodeCondition(TensorData condition) => condition;

    public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint) =>
        throw new ControlNetException($"{title}: is built into the UNet's graph, which does not give its residuals.");

    public void Dispose()
    {
    }
}
