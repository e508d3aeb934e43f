using System.Text.Json;
using ControlNet.ML.EmojiTraining.Study;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx.Tests.Features;
using SkiaSharp;

namespace ControlNet.ML.EmojiTraining.Tests;

/// <summary>The study's own parts: held-out rounds, agreement with prompts, tables and sheet.</summary>
public sealed class StudyTests : IDisposable
{
    private static readonly string[] Methods = ["canny", "scribble", "mask", "none", "sketch-guided-1.6", "sketch-guided-3.2", "piti", "real"];
    private readonly TemporaryFolder _folder = new();
    private readonly string _zip;

    public StudyTests()
    {
        _zip = _folder.File("art.zip");
        DrawnArt.Write(
            _zip, new("disc", SKColors.Red, "fluent 3d emoji", "food-fruit"), new("square", SKColors.Blue, "fluent 3d emoji", "drink"),
            new("disc", SKColors.Red, "noto emoji", "food-fruit"), new("square", SKColors.Blue, "noto emoji", "drink"), new("star", SKColors.Green, "noto emoji", "flag"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Held_out_scenes_are_repeated_in_rounds_with_a_table_beside_them()
    {
        using var art = EmojiArt.Open(_zip, "eval");
        SceneSet.WritePlain(art, "scribble", 3, _folder.File("set"), null, default);
        var lines = File.ReadLines(_folder.File("set", "table.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["disc, fluent 3d emoji", "square, fluent 3d emoji", "disc, fluent 3d emoji"], lines.Take(3).Select(line => line.GetProperty("prompt").GetString()));
        Assert.Equal(6, lines.Count);
        Assert.All(lines, line => Assert.True(File.Exists(_folder.File("set", line.GetProperty("condition").GetString()!)) && File.Exists(_folder.File("set", line.GetProperty("scene").GetString()!))));
        Assert.Equal(Bytes("images", 0), Bytes("images", 2));
        Assert.NotEqual(Bytes("conditions", 0), Bytes("conditions", 2));

        byte[] Bytes(string kind, int row) => File.ReadAllBytes(_folder.File("set", kind, FormattableString.Invariant($"{row:D6}.png")));
    }

    [Fact]
    public async Task Agreement_is_the_share_of_images_that_show_what_their_prompts_say()
    {
        using (var art = EmojiArt.Open(_zip, "eval"))
            SceneSet.WritePlain(art, "canny", 2, _folder.File("held-out"), null, default);
        var exchanged = Directory.CreateDirectory(_folder.File("exchanged")).FullName;
        foreach (var row in Enumerable.Range(0, 4))
            File.Copy(_folder.File("held-out", "images", $"00000{row}.png"), Path.Combine(exchanged, $"{(row < 2 ? row : 5 - row)}.png"));
        var features = _folder.File("features.onnx");
        File.WriteAllBytes(features, FeatureGraphs.Means());
        Assert.Equal(0, await Run(["--column", $"real={_folder.File("held-out", "images")}", "--column", $"half={exchanged}"]));

        using var report = JsonDocument.Parse(File.ReadAllBytes(_folder.File("agreement.json")));
        var methods = report.RootElement.GetProperty("methods");
        Assert.Equal((1, 0.5), (methods.GetProperty("real").GetProperty("value").GetDouble(), methods.GetProperty("half").GetProperty("value").GetDouble()));
        Assert.Equal(2, report.RootElement.GetProperty("concepts").GetInt32());

        File.Delete(Path.Combine(exchanged, "0.png"));
        var error = await Assert.ThrowsAsync<ControlNetException>(() => Run(["--column", $"half={exchanged}"]));
        Assert.EndsWith("exchanged: has 3 PNG images, expected 4, one for each row.", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected NAME=FOLDER", (await Assert.ThrowsAsync<ControlNetException>(() => Run(["--column", "half"]))).Message, StringComparison.Ordinal);

        Task<int> Run(string[] columns) => TextAgreementCommand.Create()
            .Parse([_zip, "--held-out", _folder.File("held-out"), "--features", features, "--output", _folder.File("agreement.json"), .. columns])
            .InvokeAsync(new() { EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_tables_take_the_place_of_the_old_ones_and_the_paper_stands_beside()
    {
        foreach (var name in new[] { "edges", "masks" })
        {
            var figures = Methods.Index().Select(entry => new
            {
                name = entry.Item,
                metrics = new { edge_f1 = Interval(0.1 * entry.Index), mask_iou = Interval(0.9 - (0.1 * entry.Index)), kid = Interval(0.25), fid = new { value = 12.34 } },
            });
            Directory.CreateDirectory(_folder.File(name));
            File.WriteAllText(_folder.File(name, "evaluation.json"), JsonSerializer.Serialize(new { methods = figures }));
        }

        File.WriteAllText(_folder.File("agreement.json"), JsonSerializer.Serialize(
            new AgreementReport("extractor", 10, 2, Methods.ToDictionary(name => name, _ => new Share(0.5, 0.4, 0.6, 10))), JudgeCommand.Options));
        foreach (var folder in Methods.Select(name => $"images/{name}").Concat(["canny-held-out/conditions", "scribble-held-out/conditions", "mask-held-out/conditions"]))
        {
            Directory.CreateDirectory(_folder.File(folder));
            ImageCodec.SavePng(_folder.File(folder, "000000.png"), new ImageBuffer(8, 8, 3));
        }

        var page = _folder.File("page.md");
        File.WriteAllText(page, $"before\n{StudyCommand.Begin}\nold\n{StudyCommand.End}\nafter\n");
        Assert.Equal(0, await Run(page, "0"));
        var text = await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken);
        Assert.StartsWith($"before\n{StudyCommand.Begin}\n\n| | edge F1 |", text, StringComparison.Ordinal);
        Assert.EndsWith($"|\n\n{StudyCommand.End}\nafter\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("old", text, StringComparison.Ordinal);
        Assert.Contains("\n| scribble network | 0.10 (0.09 to 0.11) | 0.80 (0.79 to 0.81) | 0.50 (0.40 to 0.60) | 0.25 (0.24 to 0.26) | 12.3 |\n", text, StringComparison.Ordinal);
        Assert.Contains("\n| the real image | 0.70 (0.69 to 0.71) | 0.20 (0.19 to 0.21) | 0.50 (0.40 to 0.60) |  |  |\n", text, StringComparison.Ordinal);
        Assert.Contains("\n| PITI | 0.60 | 1.02 | 0.30 | 0.26 | 12.3 | 19.74 |\n", text, StringComparison.Ordinal);
        Assert.Equal("128x8x3", ImageCodec.Load(_folder.File("sheet.png")).ToString());

        Assert.Contains("expected one for row 1", (await Assert.ThrowsAsync<ControlNetException>(() => Run(page, "1"))).Message, StringComparison.Ordinal);
        File.WriteAllText(page, "no lines");
        Assert.Contains("expected a line", (await Assert.ThrowsAsync<ControlNetException>(() => Run(page, "0"))).Message, StringComparison.Ordinal);
        Assert.Equal("no lines", await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken));

        static object Interval(double value) => new { value, low = value - 0.01, high = value + 0.01 };

        Task<int> Run(string where, string row) => StudyCommand.Create().Parse([_folder.Path, "--page", where, "--sheet", _folder.File("sheet.png"), "--rows", row])
            .InvokeAsync(new() { EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
    }
}
