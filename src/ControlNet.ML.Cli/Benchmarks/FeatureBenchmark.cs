using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch.Benchmarks;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Features of 1,000 photos of 512x512 by an ONNX graph, from pixels to numbers: compared with merely running the same session as often on
/// one batch that is prepared once.
/// </summary>
internal static class FeatureBenchmark
{
    private const int Images = 1000, Side = 512;

    /// <summary>Measures the extraction.</summary>
    /// <param name="graph">The ONNX file.</param>
    /// <param name="preparation">How photos are prepared for it.</param>
    /// <param name="parts">Number of parts of the photos, each measured beside the session.</param>
    /// <param name="cancellationToken">Checked before each part.</param>
    /// <exception cref="ControlNetException">The file is missing, no such graph, or cannot be run.</exception>
    public static FeatureResult Run(string graph, FeaturePreparation preparation, int parts, CancellationToken cancellationToken)
    {
        using var extractor = ImageFeatureExtractor.Open(graph, new() { Preparation = preparation }, cancellationToken);
        var photo = SyntheticPhoto.Make(Side);
        using var session = SessionFactory.Open(graph, new OnnxSessionOptions());
        using var batch = extractor.Value(extractor.Batch([.. Enumerable.Repeat(photo, extractor.BatchSize)]));
        using var options = new RunOptions();
        string[] inputs = [.. session.InputNames], outputs = [.. session.OutputNames];
        var count = (Images + parts - 1) / parts;
        Ours();
        Theirs();
        var early = ProcessMemory.Peak();

        // Alternately, so that a change of the machine's speed affects both.
        List<double> ours = [], theirs = [];
        for (var part = 0; part < parts; part++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ours.Add(Timing.Of(Ours));
            theirs.Add(Timing.Of(Theirs));
        }

        return new FeatureResult(
            extractor.Name, count * parts, count * parts / ours.Sum(), count * parts / theirs.Sum(),
            Timing.Median(ours.Zip(theirs, (a, b) => a / b)), early, ProcessMemory.Peak());

        // As images come from files: each in memory of its own.
        void Ours()
        {
            _ = extractor.Each(Enumerable.Range(0, count).Select(_ => Copy(photo)), cancellationToken).Count();
        }

        void Theirs()
        {
            for (var done = 0; done < count; done += extractor.BatchSize)
            {
                using var results = session.Run(options, inputs, [batch], outputs);
            }
        }
    }

    private static ImageBuffer Copy(ImageBuffer photo) => new(photo.Width, photo.Height, photo.Channels, [.. photo.Samples]);
}

/// <summary>The measurements.</summary>
/// <param name="Extractor">The graph and the preparation.</param>
/// <param name="Images">Number of images of each side.</param>
/// <param name="Rate">Images a second, from pixels to features.</param>
/// <param name="BareRate">Images a second of merely running the session.</param>
/// <param name="Ratio">Median of the ratios of the times, part by part.</param>
/// <param name="EarlyPeakBytes">Peak memory of the process after the first part.</param>
/// <param name="PeakBytes">Peak memory of the process after all images.</param>
internal sealed record FeatureResult(
    string Extractor, int Images, double Rate, double BareRate, double Ratio, long EarlyPeakBytes, long PeakBytes);
