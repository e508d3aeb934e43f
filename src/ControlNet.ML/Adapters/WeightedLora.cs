namespace ControlNet.ML.Adapters;

/// <summary>A LoRA with the factor of its changes.</summary>
/// <param name="Lora">The LoRA.</param>
/// <param name="Weight">The factor; negative ones are possible.</param>
public sealed record WeightedLora(Lora Lora, double Weight);
