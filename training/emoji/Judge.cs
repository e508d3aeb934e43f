using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.EmojiTraining;

/// <summary>
/// Draws held-out images with the embedded model from their conditions. Edges and scribbles are judged by F1 of the result's Canny edges
/// against the scene's, the best of four thresholds, 2 pixels; silhouettes by intersection over union of what stands on the result's ground.
/// Beside it the same without control, and the scene through the autoencoder and back, the best that can be had.
/// </summary>
internal sealed class Judge(string data, string condition, string control, GenerateOptions options, int repeats)
{
    private const int Together = 5;

    /// <summary>Between the seeds of two rounds: more than there are rows.</summary>
    private const int SeedsPerRound = 1000;
    private static readonly int[] Thresholds = [60, 80, 100, 120];

    /// <summary>Draws and measures.</summary>
    public Judgement Run(CancellationToken cancellationToken)
    {
        var rows = TrainingTable.Open(data).Rows;
        using var model = DiffusionModel.Load("emoji", cancellationToken: cancellationToken);
        using var network = ControlNetwork.Load(control, cancellationToken: cancellationToken);
        List<double> with = [], without = [], best = [];
        List<ImageBuffer> images = [];
        foreach (var (round, chunk) in Enumerable.Range(0, repeats).SelectMany(round => rows.Index().Chunk(Together).Select(chunk => (round, chunk))))
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

    /// <summary>A silhouette says nothing about the ground, which has to be told from the emoji to be measured: a color is asked for.</summary>
    private string Prompt(string prompt) => condition == "mask" ? $"{prompt}, teal background" : prompt;

    private double Score(ImageBuffer result, ImageBuffer scene, ImageBuffer map)
    {
        if (condition == "mask")
            return MaskOverlap.Iou(map, MaskOverlap.Silhouette(Color.Hwc3(result)));
        var expected = SceneConditions.Edges(scene, 100);
        return Thresholds.Max(low => EdgeFidelity.Compare(expected, SceneConditions.Edges(result, low)).F1);
    }
}

/// <summary>What a judge found.</summary>
/// <param name="Figures">The figures.</param>
/// <param name="Images">Condition, result and scene of each row, of the first round.</param>
internal sealed record Judgement(Figures Figures, IReadOnlyList<ImageBuffer> Images);

/// <summary>The figures.</summary>
/// <param name="Metric">What is measured.</param>
/// <param name="Rows">How many conditions.</param>
/// <param name="Repeats">How many images from each.</param>
/// <param name="WithControl">The mean with control.</param>
/// <param name="WithoutControl">The mean of the same prompts and seeds without.</param>
/// <param name="Autoencoder">The mean of the scenes through the autoencoder and back.</param>
internal sealed record Figures(string Metric, int Rows, int Repeats, double WithControl, double WithoutControl, double Autoencoder);
