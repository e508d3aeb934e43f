using ControlNet.ML.Weights;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>Runs exported graphs with ONNX Runtime alone.</summary>
internal sealed class GraphRun : IDisposable
{
    private readonly SessionOptions _options = new();
    private readonly InferenceSession _session;

    /// <summary>Opens a graph; its shapes and types have to be consistent throughout.</summary>
    public GraphRun(string path, bool optimized = true)
    {
        _options.GraphOptimizationLevel = optimized ? GraphOptimizationLevel.ORT_ENABLE_ALL : GraphOptimizationLevel.ORT_DISABLE_ALL;
        _options.AddSessionConfigEntry("session.strict_shape_type_inference", "1");
        _options.IntraOpNumThreads = 1;
        _session = new InferenceSession(path, _options);
    }

    /// <summary>Writes graphs with the weights of a checkpoint.</summary>
    public static void Write(string folder, WeightSource weights, params (string File, NetworkGraph Graph)[] graphs) =>
        GraphWriter.Write(folder, graphs, new GraphWeights(weights, [.. graphs.Select(entry => entry.Graph)]), _ => { }, CancellationToken.None);

    /// <summary>Runs the graph.</summary>
    public Dictionary<string, (int[] Shape, float[] Values)> Run(params IEnumerable<NamedOnnxValue> inputs)
    {
        using var outputs = _session.Run([.. inputs]);
        return outputs.ToDictionary(output => output.Name, output => output.AsTensor<float>() is var tensor ? (tensor.Dimensions.ToArray(), tensor.ToArray()) : default);
    }

    /// <summary>A named input of reference numbers.</summary>
    public static NamedOnnxValue Floats(string name, ReferenceTensors reference, string tensor) => Floats(name, reference.Floats(tensor), reference.Shape(tensor));

    public static NamedOnnxValue Floats(string name, float[] values, params int[] shape) => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(values, shape));

    /// <summary>One row of a batch.</summary>
    public static NamedOnnxValue Row(string name, float[] values, int[] shape, int row)
    {
        var length = values.Length / shape[0];
        return Floats(name, values[(row * length)..((row + 1) * length)], [1, .. shape[1..]]);
    }

    /// <summary>One row of a reference.</summary>
    public static double[] RowOf(ReferenceTensors reference, string name, int row)
    {
        var values = reference.Doubles(name);
        var length = values.Length / reference.Shape(name)[0];
        return values[(row * length)..((row + 1) * length)];
    }

    public static NamedOnnxValue Integers(string name, ReferenceTensors reference, string tensor) =>
        NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(reference.Doubles(tensor).Select(id => (long)id).ToArray(), reference.Shape(tensor)));

    public static NamedOnnxValue Double(string name, double value) => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<double>(new[] { value }, []));

    public void Dispose()
    {
        _session.Dispose();
        _options.Dispose();
    }
}
