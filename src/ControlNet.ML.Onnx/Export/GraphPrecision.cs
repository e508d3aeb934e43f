namespace ControlNet.ML.Onnx;

/// <summary>The types in which a graph stores its weights and computes. Its inputs and outputs are float32 in any case.</summary>
/// <param name="HalfWeights">Whether weights are stored as float16.</param>
/// <param name="HalfCompute">Whether the graph computes in float16.</param>
/// <param name="Int8Weights">Whether the weights of linear layers and convolutions are stored with 8 bits.</param>
internal readonly record struct GraphPrecision(bool HalfWeights = false, bool HalfCompute = false, bool Int8Weights = false);
