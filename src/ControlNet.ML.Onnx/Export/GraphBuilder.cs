using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Builds a graph node by node, in the order of execution. Weights are only named: their shapes follow from the configuration, so that a
/// graph exists before a file of weights is opened.
/// </summary>
/// <param name="name">The graph's name.</param>
/// <param name="precision">The types of weights and computation.</param>
internal sealed partial class GraphBuilder(string name, GraphPrecision precision)
{
    private readonly List<byte[]> _nodes = [];
    private readonly List<(int Field, byte[] Message)> _ports = [];
    private readonly Dictionary<string, GraphConstant> _constants = [];
    private readonly Dictionary<string, GraphWeight> _weights = [];
    private readonly Dictionary<string, GraphValue> _parameters = [];
    private int _count;

    /// <summary>The types of weights and computation.</summary>
    public GraphPrecision Precision => precision;

    /// <summary>The element type of the computation.</summary>
    private int Compute => precision.HalfCompute ? OnnxFields.Float16 : OnnxFields.Float;

    /// <summary>Declares an input.</summary>
    /// <param name="port">Its name.</param>
    /// <param name="element">Its element type, of <see cref="OnnxFields"/>.</param>
    /// <param name="shape">Its sizes; none for a scalar.</param>
    public GraphValue Input(string port, int element, params ReadOnlySpan<GraphDimension> shape)
    {
        Port(OnnxFields.GraphInput, port, element, shape);
        return new GraphValue(port);
    }

    /// <summary>Declares a float32 output.</summary>
    /// <param name="port">Its name.</param>
    /// <param name="value">The value, in the type of the computation.</param>
    /// <param name="shape">Its sizes.</param>
    public void Output(string port, GraphValue value, params ReadOnlySpan<GraphDimension> shape)
    {
        Port(OnnxFields.GraphOutput, port, OnnxFields.Float, shape);
        Write(
            precision.HalfCompute ? "Cast" : "Identity", [value], [port],
            precision.HalfCompute ? [GraphAttribute.Of("to", OnnxFields.Float)] : []);
    }

    /// <summary>Adds a node with one output.</summary>
    /// <param name="operation">The operator.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="attributes">Its attributes.</param>
    public GraphValue Node(string operation, GraphValue[] inputs, params GraphAttribute[] attributes)
    {
        var output = NewName(operation);
        Write(operation, inputs, [output], attributes);
        return new GraphValue(output);
    }

    /// <summary>Adds a node with several outputs.</summary>
    /// <param name="operation">The operator.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="outputs">The number of its outputs.</param>
    /// <param name="attributes">Its attributes.</param>
    public GraphValue[] Nodes(string operation, GraphValue[] inputs, int outputs, params GraphAttribute[] attributes)
    {
        string[] names = [.. Enumerable.Range(0, outputs).Select(_ => NewName(operation))];
        Write(operation, inputs, names, attributes);
        return [.. names.Select(output => new GraphValue(output))];
    }

    /// <summary>A constant vector of integers: a shape, axes.</summary>
    public GraphValue Integers(params long[] values) => Keep(
        "ints_" + Join(values), constant => GraphConstant.Of(constant, values, values.Length));

    /// <summary>A constant integer without dimension.</summary>
    public GraphValue Integer(long value) => Keep("int_" + Join([value]), constant => GraphConstant.Of(constant, [value]));

    /// <summary>A constant number without dimension, in the type of the computation.</summary>
    public GraphValue Number(double value)
    {
        var text = "number_" + value.ToString("R", CultureInfo.InvariantCulture);
        return Keep(text, constant => Constant(constant, [(float)value]));
    }

    /// <summary>Equal numbers, [count], in the type of the computation.</summary>
    public GraphValue Fill(float value, int count) => Keep(
        string.Create(CultureInfo.InvariantCulture, $"fill_{value}_{count}"),
        constant => Constant(constant, Enumerable.Repeat(value, count).ToArray(), count));

    /// <summary>Constant float32 numbers, whatever the type of the computation.</summary>
    /// <param name="constant">A name that determines the values.</param>
    /// <param name="values">The values.</param>
    /// <param name="shape">Their shape.</param>
    public GraphValue Singles(string constant, float[] values, params long[] shape) =>
        Keep(constant, kept => GraphConstant.Of(kept, values, shape));

    /// <summary>A parameter of the network, in the type of the computation.</summary>
    /// <param name="parameter">Its name in the checkpoint.</param>
    /// <param name="shape">Its shape there.</param>
    /// <param name="dimensions">Its shape in the graph, if another one.</param>
    public GraphValue Parameter(string parameter, long[] shape, long[]? dimensions = null)
    {
        if (_parameters.TryGetValue(parameter, out var known))
            return known;
        var form = precision.HalfWeights ? WeightForm.Half : WeightForm.Single;
        return _parameters[parameter] = Widened(Weight(parameter, parameter, shape, dimensions ?? shape, form, isTransposed: false));
    }

    /// <summary>The weight of a linear layer or convolution, in the type of the computation.</summary>
    /// <param name="parameter">Its name in the checkpoint.</param>
    /// <param name="shape">Its shape there, output channels first.</param>
    /// <param name="isTransposed">Whether the graph takes the transposed matrix.</param>
    /// <param name="isPrecise">Whether it is never stored with 8 bits.</param>
    private GraphValue Kernel(string parameter, long[] shape, bool isTransposed, bool isPrecise)
    {
        var graphName = isTransposed ? parameter + "_transposed" : parameter;
        long[] dimensions = isTransposed ? [shape[1], shape[0]] : shape;
        if (!precision.Int8Weights || isPrecise)
        {
            var form = precision.HalfWeights ? WeightForm.Half : WeightForm.Single;
            return Widened(Weight(graphName, parameter, shape, dimensions, form, isTransposed));
        }

        var quantized = Weight(graphName + "_quantized", parameter, shape, dimensions, WeightForm.Int8, isTransposed);
        var scale = Weight(graphName + "_scale", parameter, shape, [shape[0]], WeightForm.Scale, isTransposed: false);
        var single = Node("DequantizeLinear", [quantized, scale], GraphAttribute.Of("axis", isTransposed ? 1L : 0L));
        return precision.HalfCompute ? Cast(single, OnnxFields.Float16) : single;
    }

    /// <summary>The graph.</summary>
    public NetworkGraph Build() => new(name, _nodes, _ports, [.. _constants.Values], [.. _weights.Values]);

    private GraphValue Weight(string weight, string parameter, long[] shape, long[] dimensions, WeightForm form, bool isTransposed)
    {
        _weights.TryAdd(weight, new GraphWeight(weight, parameter, shape, dimensions, form, isTransposed));
        return new GraphValue(weight);
    }

    /// <summary>Weights that are only stored as float16 are computed with as float32.</summary>
    private GraphValue Widened(GraphValue weight) =>
        precision.HalfWeights && !precision.HalfCompute ? Cast(weight, OnnxFields.Float) : weight;

    private GraphConstant Constant(string constant, float[] values, params long[] shape) => precision.HalfCompute
        ? GraphConstant.Half(constant, values, shape)
        : GraphConstant.Of(constant, values, shape);

    private GraphValue Keep(string constant, Func<string, GraphConstant> create)
    {
        if (!_constants.ContainsKey(constant))
            _constants.Add(constant, create(constant));
        return new GraphValue(constant);
    }

    private void Port(int field, string port, int element, ReadOnlySpan<GraphDimension> shape) =>
        _ports.Add((field, NetworkGraph.EncodePort(port, element, shape)));

    private void Write(string operation, GraphValue[] inputs, string[] outputs, GraphAttribute[] attributes)
    {
        using var node = new MemoryStream();
        foreach (var input in inputs)
            ProtobufWriter.Text(node, OnnxFields.NodeInput, input.Name);
        foreach (var output in outputs)
            ProtobufWriter.Text(node, OnnxFields.NodeOutput, output);
        ProtobufWriter.Text(node, OnnxFields.NodeName, "node_" + outputs[0]);
        ProtobufWriter.Text(node, OnnxFields.NodeOperator, operation);
        foreach (var attribute in attributes)
            ProtobufWriter.Field(node, OnnxFields.NodeAttribute, attribute.Message);
        _nodes.Add(node.ToArray());
    }

    private string NewName(string operation) => string.Create(CultureInfo.InvariantCulture, $"{operation}_{_count++}");

    private static string Join(ReadOnlySpan<long> values) =>
        string.Join('_', values.ToArray().Select(value => value.ToString(CultureInfo.InvariantCulture)));
}
