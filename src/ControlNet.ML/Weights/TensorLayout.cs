namespace ControlNet.ML.Weights;

/// <summary>A tensor that a network has, by both of its names.</summary>
/// <param name="Name">Its name in diffusers' and transformers' state dicts.</param>
/// <param name="Shape">Its shape there.</param>
/// <param name="Original">Its name in the original checkpoints (ldm, cldm), prefix included.</param>
/// <param name="OriginalShape">Its shape there: the autoencoder's attention is made of 1x1 convolutions.</param>
public sealed record TensorLayout(string Name, long[] Shape, string Original, long[] OriginalShape);
