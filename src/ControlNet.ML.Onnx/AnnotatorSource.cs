namespace ControlNet.ML.Onnx;

/// <summary>Where the network of a learned condition comes from.</summary>
/// <param name="Condition">The condition's name.</param>
/// <param name="Variant">The variant's name; that of the condition if it has only one.</param>
/// <param name="Option">The option that names the file.</param>
/// <param name="Models">The public files of this form, and who publishes them.</param>
/// <param name="IsIncluded">Whether the package contains it.</param>
internal sealed record AnnotatorSource(string Condition, string Variant, string Option, string Models, bool IsIncluded = false);
