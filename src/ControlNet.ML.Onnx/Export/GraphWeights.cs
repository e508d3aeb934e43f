using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx;

/// <summary>The weights of a network's graphs, in an open checkpoint.</summary>
internal sealed class GraphWeights
{
    private readonly Dictionary<string, WeightTensor> _tensors;

    /// <summary>Finds the parameters of graphs.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="graphs">The graphs, which have all of its parameters together.</param>
    /// <exception cref="ControlNetException">Parameters are missing, unexpected, of another shape or not floating-point.</exception>
    public GraphWeights(WeightSource source, params ReadOnlySpan<NetworkGraph> graphs)
    {
        var expected = new Dictionary<string, long[]>();
        foreach (var graph in graphs)
        {
            foreach (var (name, shape) in graph.Parameters)
                expected[name] = shape;
        }

        _tensors = WeightLoader.Match(source, expected.Select(entry => (entry.Key, entry.Value)))
            .ToDictionary(tensor => tensor.Name);
    }

    /// <summary>Writes the numbers of a weight.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="target">The destination.</param>
    public void Write(GraphWeight weight, Stream target)
    {
        var tensor = _tensors[weight.Parameter];
        WeightContent.Write(weight, tensor, target);
        tensor.ReleasePages();
    }
}
