namespace ControlNet.ML;

/// <summary>A request for one image of a batch.</summary>
/// <param name="Prompt">The prompt; may be empty.</param>
/// <param name="Controls">Control networks with their conditions; may be empty.</param>
/// <param name="Options">Steps, guidance scale, seed, size and so on.</param>
public sealed record GenerateRequest(string Prompt, IReadOnlyList<ControlInput> Controls, GenerateOptions Options);
