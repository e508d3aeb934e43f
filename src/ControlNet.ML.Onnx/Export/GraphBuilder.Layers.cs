namespace ControlNet.ML.Onnx;

/// <content>Layers with weights, which are named as in the checkpoint: <c>at</c> is the layer's name there.</content>
internal sealed partial class GraphBuilder
{
    /// <summary>y = x Wᵀ + b on the last dimension.</summary>
    /// <param name="at">The layer.</param>
    /// <param name="x">[..., inputs].</param>
    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    public GraphValue Linear(string at, GraphValue x, int inputs, int outputs, bool hasBias = true)
    {
        var product = MatMul(x, Kernel(at + ".weight", [outputs, inputs], isTransposed: true, isPrecise: false));
        return hasBias ? Add(product, Parameter(at + ".bias", [outputs])) : product;
    }

    /// <summary>A square convolution of [N, inputs, H, W].</summary>
    /// <param name="at">The layer.</param>
    /// <param name="x">[N, inputs, H, W].</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel: 1, or 3 with a border of zeros.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="padsAfter">Whether only the right and bottom borders are padded.</param>
    /// <param name="isPrecise">Whether the weight is never stored with 8 bits: the first and last layers of a network.</param>
    public GraphValue Convolution(
        string at, GraphValue x, int inputs, int outputs, int kernel = 3, int stride = 1, bool padsAfter = false, bool isPrecise = false)
    {
        long[] pads = kernel == 1 ? [0, 0, 0, 0] : padsAfter ? [0, 0, 1, 1] : [1, 1, 1, 1];
        return Node(
            "Conv",
            [
                x, Kernel(at + ".weight", [outputs, inputs, kernel, kernel], isTransposed: false, isPrecise),
                Parameter(at + ".bias", [outputs]),
            ],
            GraphAttribute.Of("kernel_shape", [kernel, kernel]),
            GraphAttribute.Of("strides", [stride, stride]),
            GraphAttribute.Of("pads", pads));
    }

    /// <summary>Group normalisation of [N, C, H, W].</summary>
    /// <param name="at">The layer.</param>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="channels">C.</param>
    /// <param name="groups">The number of groups.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public GraphValue GroupNorm(string at, GraphValue x, int channels, int groups, double epsilon)
    {
        // Instance normalisation of the groups as channels is group normalisation without its weights.
        var grouped = Reshape(x, 0, groups, -1);
        var normed = Node(
            "InstanceNormalization", [grouped, Fill(1, groups), Fill(0, groups)], GraphAttribute.Of("epsilon", epsilon));
        long[] perChannel = [channels, 1, 1];
        return Add(
            Multiply(ReshapeAs(normed, x), Parameter(at + ".weight", [channels], perChannel)),
            Parameter(at + ".bias", [channels], perChannel));
    }

    /// <summary>Layer normalisation over the last dimension.</summary>
    /// <param name="at">The layer.</param>
    /// <param name="x">[..., width].</param>
    /// <param name="width">Size of the last dimension.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public GraphValue LayerNorm(string at, GraphValue x, int width, double epsilon = 1e-5) => Node(
        "LayerNormalization", [x, Parameter(at + ".weight", [width]), Parameter(at + ".bias", [width])],
        GraphAttribute.Of("axis", -1L), GraphAttribute.Of("epsilon", epsilon));

    /// <summary>Attention with the four projections of a checkpoint.</summary>
    /// <param name="at">The layer.</param>
    /// <param name="x">[N, L, width].</param>
    /// <param name="context">[N, S, contextWidth].</param>
    /// <param name="width">Width of the queries and of the result.</param>
    /// <param name="contextWidth">Width of the context.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="hasBias">Whether q, k and v have a bias.</param>
    /// <param name="upcast">Whether scores are computed in float32 whatever the type of the computation.</param>
    public GraphValue Attention(
        string at, GraphValue x, GraphValue context, int width, int contextWidth, int heads, bool hasBias = false, bool upcast = false)
    {
        var q = Linear(at + ".to_q", x, width, width, hasBias);
        var k = Linear(at + ".to_k", context, contextWidth, width, hasBias);
        var v = Linear(at + ".to_v", context, contextWidth, width, hasBias);
        return Linear(at + ".to_out.0", Attend(q, k, v, heads, width, inSingle: upcast), width, width);
    }
}
