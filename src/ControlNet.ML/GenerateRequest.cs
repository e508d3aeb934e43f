namespace ControlNet.ML;

/// <summary>An image to be made together with others.</summary>
/// <param name="Prompt">What it should show; may be empty.</param>
/// <param name="Controls">Control networks with their conditions; may be empty.</param>
/// <param name="Options">Steps, guidance, seed, size and so on.</param>
public sealed record GenerateRequest(string Prompt, IReadOnlyList<ControlInput> Controls, GenerateOptions Options);
