namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>How benchmarks are measured.</summary>
/// <param name="Repeats">Number of measured steps or calls.</param>
/// <param name="Device">The execution providers of the onnx benchmarks, as <c>--device</c> names them; null for the CPU.</param>
/// <param name="Features">The ONNX file of the features benchmark; null if it does not run.</param>
/// <param name="Preparation">How the features benchmark prepares images.</param>
/// <param name="IsMeasured">Whether the step benchmarks compare measured kernels with plain ones.</param>
internal sealed record BenchmarkSettings(int Repeats, string? Device, string? Features, string Preparation, bool IsMeasured = false);
