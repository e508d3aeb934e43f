using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining.Study;

/// <summary>The study's tables and images, from what <c>controlnet evaluate</c> and <c>agreement</c> wrote.</summary>
/// <param name="work">The study's folder, as scripts/study.sh fills it.</param>
internal sealed class StudyReport(string work)
{
    private const string Real = "real";

    /// <summary>The names of the methods in evaluations and agreement, with those in the table.</summary>
    private static readonly (string Key, string Name)[] Methods =
    [
        ("canny", "canny network"), ("scribble", "scribble network"), ("mask", "mask network"), ("none", "without control"),
        ("sketch-guided-1.6", "Sketch-Guided, β 1.6"), ("sketch-guided-3.2", "Sketch-Guided, β 3.2"), ("piti", "PITI-like"),
        (Real, "the real image"),
    ];

    /// <summary>
    /// The paper's Tables 1 to 3: raters' fidelity, the intersection over union of segmentations found again, and FID. Without control means
    /// Stable Diffusion; the real image in Table 2 is the ground truth.
    /// </summary>
    private static readonly (string Name, string[] Ours, string Rank, string Overlap, string Frechet)[] Paper =
    [
        ("ControlNet", ["canny", "mask"], "4.28", "0.35", "15.27"), ("without control", ["none"], "", "", "6.09"),
        ("Sketch-Guided, β 3.2", ["sketch-guided-3.2"], "3.28", "", ""), ("Sketch-Guided, β 1.6", ["sketch-guided-1.6"], "2.31", "", ""),
        ("PITI", ["piti"], "1.02", "0.26", "19.74"), ("the real image", [Real], "", "0.58", ""),
    ];

    /// <summary>Both tables, in Markdown.</summary>
    /// <exception cref="ControlNetException">A file is missing or invalid.</exception>
    public string Tables()
    {
        var (edges, masks) = (Evaluation("edges"), Evaluation("masks"));
        var agreement = Read<AgreementReport>("agreement.json", JudgeCommand.Options).Methods;
        List<string> lines =
        [
            "| | edge F1 | mask IoU | shows its prompt | KID | FID |", "|---|---|---|---|---|---|",
            .. Methods.Select(method => $"| {method.Name} | {Interval(edges, method.Key, "edge_f1")} | {Interval(masks, method.Key, "mask_iou")} "
                + $"| {Text(agreement[method.Key])} | {Distance(() => Interval(edges, method.Key, "kid"), method.Key)} "
                + $"| {Distance(() => Value(edges, method.Key, "fid", "f1"), method.Key)} |"),
            "",
            "| | edge F1 here | raters on fidelity, 1 to 5 (Table 1) | mask IoU here | segmentation IoU (Table 2) | FID here, of ResNet18's features | FID (Table 3), of Inception's |",
            "|---|---|---|---|---|---|---|",
            .. Paper.Select(row => $"| {row.Name} | {Value(edges, row.Ours[0], "edge_f1", "f2")} | {row.Rank} | {Value(masks, row.Ours[^1], "mask_iou", "f2")} | {row.Overlap} "
                + $"| {Distance(() => Value(edges, row.Ours[0], "fid", "f1"), row.Ours[0])} | {row.Frechet} |"),
        ];
        return string.Join('\n', lines);
    }

    /// <summary>
    /// A row for each of some held-out emoji: edges and the canny network's image; a scribble and the scribble network's; the mask and the mask network's; the base's
    /// alone; Sketch-Guided Diffusion's two; PITI-like; the real image.
    /// </summary>
    /// <param name="rows">Their numbers.</param>
    public ImageBuffer Sheet(IReadOnlyList<int> rows)
    {
        string[] folders =
        [
            "canny-held-out/conditions", "canny", "scribble-held-out/conditions", "scribble", "mask-held-out/conditions", "mask", "none",
            "sketch-guided-1.6", "sketch-guided-3.2", "piti", "real",
        ];
        return ImageGrid.Compose([.. rows.SelectMany(row => folders.Select(folder => Color.Hwc3(ImageCodec.Load(Image(folder, row)))))], folders.Length, gap: 4);
    }

    private string Image(string folder, int row)
    {
        var path = Path.Combine(work, folder.Contains('/', StringComparison.Ordinal) ? folder : Path.Combine("images", folder));
        string[] files = Directory.Exists(path) ? [.. Directory.GetFiles(path, "*.png").Order(StringComparer.Ordinal)] : [];
        return row < files.Length ? files[row] : throw new ControlNetException($"{path}: has {files.Length} PNG images, expected one for row {row}.");
    }

    private Dictionary<string, JsonElement> Evaluation(string name) =>
        Read<JsonElement>(Path.Combine(name, "evaluation.json"), JsonSerializerOptions.Default).GetProperty("methods").EnumerateArray()
            .ToDictionary(method => method.GetProperty("name").GetString()!, method => method.GetProperty("metrics"));

    private T Read<T>(string name, JsonSerializerOptions options)
    {
        var file = Path.Combine(work, name);
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(file), options)!;
        }
        catch (JsonException error)
        {
            throw new ControlNetException($"{file}: is invalid: {error.Message}", error);
        }
    }

    /// <summary>A distance of a set of images; the real ones have none, since every round repeats them.</summary>
    private static string Distance(Func<string> text, string method) => method == Real ? "" : text();

    private static string Text(Share share) => Text(share.Value, share.Low, share.High);

    private static string Text(double value, double low, double high) => string.Create(CultureInfo.InvariantCulture, $"{value:f2} ({low:f2} to {high:f2})");

    private static string Interval(Dictionary<string, JsonElement> methods, string method, string metric)
    {
        var figure = Figure(methods, method, metric);
        return Text(Number("value"), Number("low"), Number("high"));

        double Number(string name) => figure.GetProperty(name).GetDouble();
    }

    private static string Value(Dictionary<string, JsonElement> methods, string method, string metric, string format) =>
        Figure(methods, method, metric).GetProperty("value").GetDouble().ToString(format, CultureInfo.InvariantCulture);

    private static JsonElement Figure(Dictionary<string, JsonElement> methods, string method, string metric) =>
        methods.TryGetValue(method, out var metrics) && metrics.TryGetProperty(metric, out var figure)
            ? figure
            : throw new ControlNetException($"The evaluation has no {metric} of {method}, expected the one that scripts/study.sh makes.");
}
