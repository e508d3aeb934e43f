namespace ControlNet.ML;

/// <summary>A picture to be made together with others.</summary>
/// <param name="Prompt">What it should show; may be empty.</param>
/// <param name="Controls">Control networks with their conditions; may be empty.</param>
/// <param name="Options">Steps, guidance, seed, size and so on.</param>
public sealed record PictureRequest(string Prompt, IReadOnlyList<ControlInput> Controls, GenerateOptions Options);
