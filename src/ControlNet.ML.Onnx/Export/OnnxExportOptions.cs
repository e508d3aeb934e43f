namespace ControlNet.ML.Onnx;

/// <summary>How a model or control network is exported.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>
    /// Whether weights and computation are float16, which halves the files. Inputs and outputs stay float32. An autoencoder whose
    /// configuration says <c>force_upcast</c> computes in float32: it would overflow.
    /// </summary>
    /// <value>Default: false: float32.</value>
    public bool Half { get; init; }

    /// <summary>
    /// Whether the weights of linear layers and convolutions have 8 bits, with one factor for each output channel. The first and last
    /// layers of each network, embeddings, norms and biases keep their precision, as does the computation.
    /// </summary>
    /// <value>Default: false.</value>
    public bool Int8 { get; init; }

    /// <summary>
    /// For a control network: whether its condition encoder is part of its graph, as in most published files, rather than a graph of its
    /// own, which runs once per image instead of once per step.
    /// </summary>
    /// <value>Default: false.</value>
    public bool Merge { get; init; }

    /// <summary>The types of weights and computation.</summary>
    internal GraphPrecision Precision => new(HalfWeights: Half, HalfCompute: Half, Int8Weights: Int8);
}
