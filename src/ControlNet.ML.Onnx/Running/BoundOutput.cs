using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>An output that a run computes, and where it is written.</summary>
/// <param name="Name">The output's name.</param>
/// <param name="StaysOnDevice">
/// Whether it stays on the provider's device, as an input of another session; otherwise it comes to the CPU's memory.
/// </param>
/// <param name="Into">The value that it is written to, of its type and shape; null to allocate one.</param>
internal readonly record struct BoundOutput(string Name, bool StaysOnDevice = false, OrtValue? Into = null);
