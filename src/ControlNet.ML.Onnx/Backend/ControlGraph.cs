using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>A control network: its inputs by name, and its residuals by name or, if the names tell nothing, by position.</summary>
internal sealed class ControlGraph : IDisposable
{
    private readonly DenoisingInputs _inputs;
    private readonly OnnxPort _condition;
    private readonly OnnxPort? _scale;

    /// <summary>Opens a graph.</summary>
    /// <param name="network">The graph; disposed with this.</param>
    /// <param name="config">The network's configuration.</param>
    /// <exception cref="ControlNetException">It is no control network, or one of another configuration.</exception>
    public ControlGraph(OnnxNetwork network, ControlNetConfig config)
    {
        Network = network;
        _inputs = new DenoisingInputs(network, config.Lite);
        _condition = network.Require(
            network.Signature.Inputs, "input controlnet_cond or controlnet_hint", GraphNames.Condition, GraphNames.Hint);
        _scale = network.Signature.Inputs.Find(GraphNames.Scale);
        network.RequireKnown([.. _inputs.Ports, _condition, _scale]);
        var outputs = network.Signature.Outputs;
        Residuals = outputs.Residuals() is { } named && named.Count == outputs.Count ? named : outputs;
        var expected = ResidualLayout.All(config.BlockOutChannels, config.LayersPerBlock).Count();
        if (Residuals.Count != expected)
            throw new ControlNetException(
                $"{network.Title}: gives {Residuals.Count} residuals, expected {expected}, as channels "
                    + $"{string.Join(", ", config.BlockOutChannels)} and {config.LayersPerBlock} blocks per level need.");
    }

    /// <summary>The graph.</summary>
    public OnnxNetwork Network { get; }

    /// <summary>The residuals, in the encoder's order and the middle block's last.</summary>
    public IReadOnlyList<OnnxPort> Residuals { get; }

    /// <summary>Whether the graph takes the encoded condition rather than the condition itself.</summary>
    public bool TakesHint => _condition.Name == GraphNames.Hint;

    /// <summary>Whether the graph can scale all residuals by one number.</summary>
    public bool TakesScale => _scale is not null;

    /// <summary>The number of rows that the graph always takes; null for any number.</summary>
    public int? Batch => _inputs.Batch;

    /// <summary>Throws if the graph does not take the inputs of a batch.</summary>
    /// <exception cref="ControlNetException">It does not.</exception>
    public void Check(DenoiserInputs inputs) => _inputs.Check(inputs);

    /// <summary>Computes the residuals of some rows.</summary>
    /// <param name="kept">The values that all steps have in common.</param>
    /// <param name="inputs">Texts and sizes of all rows.</param>
    /// <param name="hint">Hints, or conditions, of all rows.</param>
    /// <param name="sample">The latents of all rows.</param>
    /// <param name="timestep">The timestep.</param>
    /// <param name="rows">The rows, in the order in which the graph gets them.</param>
    /// <param name="scale">The scale of all residuals, 1 unless <see cref="TakesScale"/>.</param>
    /// <param name="onDevice">Whether the residuals stay where they are computed; otherwise they are in the CPU's memory.</param>
    /// <returns>The residuals; the caller disposes them.</returns>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        KeptInputs kept, DenoiserInputs inputs, TensorData hint, TensorData sample, double timestep, int[] rows, double scale,
        bool onDevice = false)
    {
        Dictionary<string, OrtValue> values = [];
        List<OrtValue> own = [];
        try
        {
            _inputs.Add(values, kept, inputs, sample, timestep, rows, own);
            values[_condition.Name] = kept.For(Network, _condition, hint, rows);
            if (_scale is not null)
            {
                var factor = OnnxTensors.Fill(_scale, scale, [.. _scale.Shape.Select(size => Math.Max(size, 1))]);
                own.Add(factor);
                values[_scale.Name] = factor;
            }

            return Network.Run(values, Residuals, onDevice);
        }
        finally
        {
            own.ForEach(value => value.Dispose());
        }
    }

    public void Dispose() => Network.Dispose();
}
