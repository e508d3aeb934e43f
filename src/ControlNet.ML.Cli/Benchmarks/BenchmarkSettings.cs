namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>How benchmarks are measured.</summary>
/// <param name="Repeats">Number of measured steps or calls.</param>
/// <param name="Device">The execution providers of the onnx benchmarks, as <c>--device</c> names them; null for the CPU.</param>
internal sealed record BenchmarkSettings(int Repeats, string? Device);
