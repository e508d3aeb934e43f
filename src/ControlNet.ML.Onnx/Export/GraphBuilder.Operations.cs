namespace ControlNet.ML.Onnx;

/// <content>Operations without weights.</content>
internal sealed partial class GraphBuilder
{
    /// <summary>a + b, broadcast.</summary>
    public GraphValue Add(GraphValue a, GraphValue b) => Node("Add", [a, b]);

    /// <summary>a · b, broadcast.</summary>
    public GraphValue Multiply(GraphValue a, GraphValue b) => Node("Mul", [a, b]);

    /// <summary>a / b, broadcast.</summary>
    public GraphValue Divide(GraphValue a, GraphValue b) => Node("Div", [a, b]);

    /// <summary>The matrix product over the last two dimensions.</summary>
    public GraphValue MatMul(GraphValue a, GraphValue b) => Node("MatMul", [a, b]);

    /// <summary>Another shape: 0 keeps a size, -1 is what is left.</summary>
    public GraphValue Reshape(GraphValue x, params long[] shape) => Node("Reshape", [x, Integers(shape)]);

    /// <summary>The shape of another value, of as many elements.</summary>
    public GraphValue ReshapeAs(GraphValue x, GraphValue other) => Node("Reshape", [x, Shape(other)]);

    /// <summary>Another order of dimensions.</summary>
    public GraphValue Transpose(GraphValue x, params long[] order) => Node("Transpose", [x], GraphAttribute.Of("perm", order));

    /// <summary>All sizes of a value, [rank] int64.</summary>
    public GraphValue Shape(GraphValue x) => Node("Shape", [x]);

    /// <summary>Some sizes of a value, [end - start] int64.</summary>
    public GraphValue Shape(GraphValue x, int start, int end) =>
        Node("Shape", [x], GraphAttribute.Of("start", (long)start), GraphAttribute.Of("end", (long)end));

    /// <summary>Values one after the other along a dimension.</summary>
    public GraphValue Concat(int axis, params GraphValue[] values) => Node("Concat", values, GraphAttribute.Of("axis", (long)axis));

    /// <summary>Two halves along the last dimension.</summary>
    public (GraphValue First, GraphValue Second) Halves(GraphValue x)
    {
        var halves = Nodes("Split", [x], 2, GraphAttribute.Of("axis", -1L));
        return (halves[0], halves[1]);
    }

    /// <summary>Another element type.</summary>
    /// <param name="x">The value.</param>
    /// <param name="element">The type, of <see cref="OnnxFields"/>.</param>
    public GraphValue Cast(GraphValue x, int element) => Node("Cast", [x], GraphAttribute.Of("to", (long)element));

    /// <summary>float32 in the type of the computation.</summary>
    public GraphValue ToCompute(GraphValue x) => precision.HalfCompute ? Cast(x, OnnxFields.Float16) : x;

    /// <summary>x · sigmoid(x).</summary>
    public GraphValue Silu(GraphValue x) => Multiply(x, Node("Sigmoid", [x]));

    /// <summary>x · sigmoid(1.702 x), CLIP's approximation of GELU.</summary>
    public GraphValue QuickGelu(GraphValue x) => Multiply(x, Node("Sigmoid", [Multiply(x, Number(1.702))]));

    /// <summary>The erf form of GELU; the order of operations is the one that ONNX Runtime recognises and fuses.</summary>
    public GraphValue Gelu(GraphValue x)
    {
        var erf = Node("Erf", [Divide(x, Number(Math.Sqrt(2)))]);
        return Multiply(Multiply(x, Add(erf, Number(1))), Number(0.5));
    }

    /// <summary>[N, C, H, W] → [N, H·W, C].</summary>
    public GraphValue ToTokens(GraphValue map, int channels) => Transpose(Reshape(map, 0, channels, -1), 0, 2, 1);

    /// <summary>[N, H·W, C] → the shape of a map [N, C, H, W].</summary>
    public GraphValue ToMap(GraphValue tokens, GraphValue map) => ReshapeAs(Transpose(tokens, 0, 2, 1), map);

    /// <summary>Nearest-neighbour enlargement, exactly as torch's: for a size that is given, or twice the input's.</summary>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="target">A map of the height and width wanted, twice the input's or one less; null for twice.</param>
    public GraphValue Enlarge(GraphValue x, GraphValue? target)
    {
        GraphAttribute[] nearest =
        [
            GraphAttribute.Of("mode", "nearest"),
            GraphAttribute.Of("coordinate_transformation_mode", "asymmetric"),
            GraphAttribute.Of("nearest_mode", "floor"),
        ];
        return target is { } map
            ? Node("Resize", [x, GraphValue.None, GraphValue.None, Concat(0, Shape(x, 0, 2), Shape(map, 2, 4))], nearest)
            : Node("Resize", [x, GraphValue.None, Singles("scales_2", [1, 1, 2, 2], 4)], nearest);
    }

    /// <summary>softmax(q·kᵀ/√d)·v for each head.</summary>
    /// <param name="q">[N, L, heads·d].</param>
    /// <param name="k">[N, S, heads·d].</param>
    /// <param name="v">[N, S, heads·d].</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="width">heads·d.</param>
    /// <param name="mask">[L, S], added to the scores, or null.</param>
    /// <param name="inSingle">Whether it is computed in float32 whatever the type of the computation.</param>
    /// <returns>[N, L, heads·d].</returns>
    public GraphValue Attend(
        GraphValue q, GraphValue k, GraphValue v, int heads, int width, GraphValue? mask = null, bool inSingle = false)
    {
        long size = width / heads;
        var isCast = inSingle && precision.HalfCompute;

        // The scale is applied to the queries, which are smaller than the scores and then cannot overflow float16.
        q = Multiply(q, Number(1 / Math.Sqrt(size)));
        if (isCast)
            (q, k, v) = (Cast(q, OnnxFields.Float), Cast(k, OnnxFields.Float), Cast(v, OnnxFields.Float));
        var queries = Transpose(Reshape(q, 0, 0, heads, size), 0, 2, 1, 3);
        var keys = Transpose(Reshape(k, 0, 0, heads, size), 0, 2, 3, 1);
        var values = Transpose(Reshape(v, 0, 0, heads, size), 0, 2, 1, 3);
        var scores = MatMul(queries, keys);
        if (mask is { } added)
            scores = Add(scores, added);
        var mixed = MatMul(Node("Softmax", [scores], GraphAttribute.Of("axis", -1L)), values);
        var joined = Reshape(Transpose(mixed, 0, 2, 1, 3), 0, 0, width);
        return isCast ? Cast(joined, OnnxFields.Float16) : joined;
    }
}
