using System.Diagnostics;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Image operations on photos of 1 and 16 megapixels, RGB and grey, on one thread: milliseconds of processor time of the fastest call,
/// since other load on the machine can only add to it. <c>scripts/bench-conditions.sh</c> compares them with OpenCV's.
/// </summary>
internal static class ImageBenchmark
{
    private static readonly double[] Sigmas = [1.5, 3, 9];
    private static readonly int[] Sizes = [3, 5, 9];
    private static readonly double[] Factors = [0.5, 0.37, 1.7, 2];

    public static Dictionary<string, object> Run(string name, int repeats, CancellationToken cancellationToken)
    {
        var figures = new Dictionary<string, object> { ["what"] = "milliseconds of processor time, fastest call" };
        foreach (var side in new[] { 1000, 4000 })
        {
            var photo = SyntheticPhoto.Make(side);
            var size = $"{side * side / 1_000_000} MP";
            if (side == 1000)
                figures["photo_sum"] = photo.Samples.Sum(sample => (long)sample);
            foreach (var (kind, image) in new[] { ("RGB", photo), ("grey", Color.Grey(photo)) })
            {
                foreach (var (label, operation) in Operations(name))
                    figures[$"{label}, {size} {kind}"] = Math.Round(
                        Fastest(operation, image, side == 1000 ? 5 * repeats : repeats, cancellationToken), 3);
            }
        }

        return figures;
    }

    private static IEnumerable<(string Label, Func<ImageBuffer, ImageBuffer> Operation)> Operations(string name) => name switch
    {
        "canny" => [("Canny", image => Canny.Apply(image))],
        "gauss" => from sigma in Sigmas
                   select ($"Gaussian blur {sigma}", (Func<ImageBuffer, ImageBuffer>)(image => GaussianBlur.Apply(image, sigma))),
        "median" => from size in Sizes
                    select ($"median {size}", (Func<ImageBuffer, ImageBuffer>)(image => MedianBlur.Apply(image, size))),
        "resize" => from interpolation in Enum.GetValues<Interpolation>()
                    from factor in Factors
                    select (
                        $"resize {interpolation.ToString().ToLowerInvariant()} {factor}",
                        (Func<ImageBuffer, ImageBuffer>)(image => Scaled(image, factor, interpolation))),
        _ => throw new ArgumentException($"Unknown benchmark '{name}'."),
    };

    private static ImageBuffer Scaled(ImageBuffer image, double factor, Interpolation interpolation) =>
        Resize.Apply(image, (int)Math.Round(image.Width * factor), (int)Math.Round(image.Height * factor), interpolation);

    private static double Fastest(
        Func<ImageBuffer, ImageBuffer> operation, ImageBuffer image, int calls, CancellationToken cancellationToken)
    {
        // Warm-up: the JIT reaches its last tier after some calls and a tenth of a second.
        var small = new ImageBuffer(150, 150, image.Channels, image.Samples[..(150 * 150 * image.Channels)]);
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 250;)
            operation(small);

        var fastest = double.PositiveInfinity;
        for (var i = 0; i < calls + 2; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var before = Environment.CpuUsage.TotalTime;
            operation(image);
            fastest = Math.Min(fastest, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
        }

        return fastest;
    }
}
