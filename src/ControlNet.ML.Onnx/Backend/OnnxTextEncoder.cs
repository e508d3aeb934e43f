using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>A text encoder: its ids, and its outputs by name.</summary>
internal sealed class OnnxTextEncoder : IDisposable
{
    private readonly OnnxPort _ids;

    /// <summary>Opens a graph.</summary>
    /// <param name="network">The graph; disposed with this.</param>
    /// <exception cref="ControlNetException">It is no text encoder.</exception>
    public OnnxTextEncoder(OnnxNetwork network)
    {
        Network = network;
        _ids = network.Require(network.Signature.Inputs, "input input_ids", GraphNames.Ids);
        network.RequireKnown([_ids]);
    }

    /// <summary>The graph.</summary>
    public OnnxNetwork Network { get; }

    /// <summary>The number of hidden states that the graph gives: one more than its layers, or 0.</summary>
    public int States => Network.Signature.Outputs.Count(port => port.Name.StartsWith(GraphNames.HiddenStates, StringComparison.Ordinal));

    /// <summary>The output after the last layer and the final normalisation.</summary>
    public OnnxPort Last =>
        Network.Signature.Outputs.Find(GraphNames.LastHiddenState) ?? Network.Signature.Outputs[0];

    /// <summary>The pooled and projected output.</summary>
    public OnnxPort Pooled => Network.Require(Network.Signature.Outputs, "output text_embeds", GraphNames.PooledText);

    /// <summary>The hidden states before a number of last layers.</summary>
    /// <param name="before">The number of layers.</param>
    /// <exception cref="ControlNetException">The graph does not give them.</exception>
    public OnnxPort State(int before) => States == 0
        ? throw new ControlNetException(
            $"{Network.Title}: gives the last hidden states only (it has no outputs {GraphNames.HiddenStates}N), and earlier ones are "
                + "asked for: expected no clip skip, or a text encoder that is exported with its hidden states.")
        : Network.Require(
            Network.Signature.Outputs,
            $"hidden states {before} layers before the last",
            GraphNames.HiddenStates + (States - 1 - before).ToString(CultureInfo.InvariantCulture));

    /// <summary>Encodes tokens.</summary>
    /// <param name="tokens">The ids.</param>
    /// <param name="outputs">The outputs to compute.</param>
    /// <returns>Their values.</returns>
    public TensorData[] Run(IReadOnlyList<int> tokens, params IReadOnlyList<OnnxPort> outputs)
    {
        if (GraphReader.Size(_ids, 1) is { } length && length != tokens.Count)
            throw new ControlNetException($"{Network.Title}: takes {_ids}, got {tokens.Count} tokens.");
        using var ids = OnnxTensors.Ids(_ids, tokens);
        using var values = Network.Run(new Dictionary<string, OrtValue> { [_ids.Name] = ids }, outputs);
        return [.. values.Select(value => value.ToData())];
    }

    public void Dispose() => Network.Dispose();
}
