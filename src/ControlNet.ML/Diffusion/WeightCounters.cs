namespace ControlNet.ML.Diffusion;

/// <summary>What a backend has done to the weights of its networks since it was opened.</summary>
/// <param name="Read">Tensors read from weight files.</param>
/// <param name="Merged">Times that a weight was computed from its first value and the LoRAs that apply to it.</param>
/// <param name="Restored">Times that a weight got back its first value.</param>
public readonly record struct WeightCounters(long Read, long Merged, long Restored);
