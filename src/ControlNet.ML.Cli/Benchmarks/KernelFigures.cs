using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Kernels;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>The figures of measured kernels.</summary>
internal static class KernelFigures
{
    /// <summary>A step with plain and with measured kernels.</summary>
    public static Dictionary<string, object> OfStep(Precision precision, int repeats, CancellationToken cancellationToken)
    {
        var result = KernelBenchmark.Run(precision, repeats, cancellationToken);
        return new()
        {
            ["what"] = "SD1.5 UNet and one control network, random weights, 512x512, batch 2: plain and measured kernels alternately",
            ["device"] = result.Device,
            ["pairs_counted"] = result.Repeats,
            ["plain_step_seconds"] = BenchmarkCatalog.Round(result.PlainSeconds),
            ["measured_step_seconds"] = BenchmarkCatalog.Round(result.MeasuredSeconds),
            ["plain_to_measured"] = BenchmarkCatalog.Round(result.Ratio),
            ["measured_to_bare"] = BenchmarkCatalog.Round(result.RatioToBare),
            ["measuring_seconds"] = BenchmarkCatalog.Round(result.MeasuringSeconds),
            ["first_step_longer_seconds"] = BenchmarkCatalog.Round(result.ExtraSeconds),
            ["distance"] = BenchmarkCatalog.Round(result.Distance),
        };
    }

    /// <summary>Every shape of a step with its kernels.</summary>
    public static Dictionary<string, object> OfTable(CancellationToken cancellationToken)
    {
        var (device, kernels) = KernelBenchmark.Kernels(cancellationToken);
        return new()
        {
            ["what"] = "kernels for the shapes of a step of SD1.5 with one control network, 512x512, batch 2; times of the measured part",
            ["device"] = device,
            ["kernels"] = kernels.SelectMany(Lines).ToArray(),
        };
    }

    private static IEnumerable<KernelLine> Lines(KernelMeasurement measurement) => measurement.Kernels.Select(timing => new KernelLine(
        measurement.Operation, timing.Kernel, BenchmarkCatalog.Round(timing.Seconds * 1000),
        timing.Distance is { } distance ? BenchmarkCatalog.Round(distance) : null, timing.IsRight, timing.Kernel == measurement.Chosen));
}

/// <summary>One kernel of one operation.</summary>
/// <param name="Operation">The operation and its shape.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Milliseconds">Its time for the measured part.</param>
/// <param name="Distance">Its distance from the plain kernel, relative; null if it failed.</param>
/// <param name="Right">Whether rounding explains the distance.</param>
/// <param name="Chosen">Whether it computes the operation.</param>
internal sealed record KernelLine(string Operation, string Kernel, double Milliseconds, double? Distance, bool Right, bool Chosen);
