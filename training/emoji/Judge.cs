using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.EmojiTraining;

/// <summary>
/// Generates images from held-out conditions with the embedded model and measures fidelity to the condition. Edges and scribbles: F1 of the
/// result's Canny edges against the scene's, the best of four thresholds, tolerance 2 pixels. Masks: intersection over union with the
/// result's silhouette. For comparison, the same without control, and the scene encoded and decoded by the autoencoder, an upper bound.
/// </summary>
internal sealed class Judge(string data, string condition, string control, GenerateOptions options, int repeats)
{
    private const int BatchSize = 5;

    /// <summary>Distance between the seeds of two rounds, larger than the number of rows.</summary>
    private const int SeedsPerRound = 1000;
    private static readonly int[] Thresholds = [60, 80, 100, 120];

    /// <summary>Generates and measures.</summary>
    public Judgement Run(CancellationToken cancellationToken)
    {
        var rows = TrainingTable.Open(data).Rows;
        using var model = DiffusionModel.Load("emoji", cancellationToken: cancellationToken);
        using var network = ControlNetwork.Load(control, cancellationToken: cancellationToken);
        List<double> with = [], without = [], best = [];
        List<ImageBuffer> images = [];
        foreach (var (round, chunk) in Enumerable.Range(0, repeats).SelectMany(round => rows.Index().Chunk(BatchSize).Select(chunk => (round, chunk))))
        {
            var scenes = chunk.Select(entry => ImageCodec.Load(entry.Item.Image)).ToArray();
            var maps = chunk.Select(entry => ImageCodec.Load(entry.Item.Condition!)).ToArray();
            GenerateRequest[] requests = [.. chunk.Select((entry, i) => new GenerateRequest(
                Prompt(entry.Item.Prompt), [new ControlInput(network, maps[i])], options with { Seed = options.Seed + (ulong)((round * SeedsPerRound) + entry.Index) }))];
            var drawn = model.GenerateBatch(requests, cancellationToken);
            var free = model.GenerateBatch([.. requests.Select(request => request with { Controls = [] })], cancellationToken);
            for (var i = 0; i < chunk.Length; i++)
            {
                var again = TensorImages.FromUnit(model.Decode(model.Encode(TensorImages.ToSigned(scenes[i]))))[0];
                with.Add(Score(drawn[i].Image, scenes[i], maps[i]));
                without.Add(Score(free[i].Image, scenes[i], maps[i]));
                best.Add(Score(again, scenes[i], maps[i]));
                if (round == 0)
                    images.AddRange([Color.Hwc3(maps[i]), drawn[i].Image, scenes[i]]);
            }
        }

        return new Judgement(new Figures(condition == "mask" ? "iou" : "edge_f1", rows.Count, repeats, with.Average(), without.Average(), best.Average()), images);
    }

    /// <summary>A mask leaves the background open, but measuring needs one that differs from the emoji: the prompt asks for a color.</summary>
    private string Prompt(string prompt) => condition == "mask" ? $"{prompt}, teal background" : prompt;

    private double Score(ImageBuffer result, ImageBuffer scene, ImageBuffer map)
    {
        if (condition == "mask")
            return MaskOverlap.Iou(map, MaskOverlap.Silhouette(Color.Hwc3(result)));
        var expected = SceneConditions.Edges(scene, 100);
        return Thresholds.Max(low => EdgeFidelity.Compare(expected, SceneConditions.Edges(result, low)).F1);
    }
}

/// <summary>The result of an evaluation.</summary>
/// <param name="Figures">The figures.</param>
/// <param name="Images">Condition, result and scene of each row in the first round.</param>
internal sealed record Judgement(Figures Figures, IReadOnlyList<ImageBuffer> Images);

/// <summary>The figures.</summary>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Rows">Number of conditions.</param>
/// <param name="Repeats">Number of images from each.</param>
/// <param name="WithControl">Mean with control.</param>
/// <param name="WithoutControl">Mean of the same prompts and seeds without control.</param>
/// <param name="Autoencoder">Mean of the scenes encoded and decoded by the autoencoder.</param>
internal sealed record Figures(string Metric, int Rows, int Repeats, double WithControl, double WithoutControl, double Autoencoder);
