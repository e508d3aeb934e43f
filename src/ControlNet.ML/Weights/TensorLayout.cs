namespace ControlNet.ML.Weights;

/// <summary>A tensor of a network, under both of its names.</summary>
/// <param name="Name">Its name in diffusers' and transformers' state dicts.</param>
/// <param name="Shape">Its shape there.</param>
/// <param name="Original">Its name in the original checkpoints (ldm, cldm), including the prefix.</param>
/// <param name="OriginalShape">Its shape there: the autoencoder's attention consists of 1x1 convolutions.</param>
public sealed record TensorLayout(string Name, long[] Shape, string Original, long[] OriginalShape);
