using System.Text.Json;
using ControlNet.ML.Cli.Evaluating;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx.Tests.Features;

namespace ControlNet.ML.Cli.Tests.Evaluating;

/// <summary><c>evaluate</c>: generates, measures and reports.</summary>
public sealed class EvaluateTests
{
    private const string Rows = "id,prompt,photo\na,fox,0.png\nb,red apple,1.png\nc,rocket,2.png\nd,panda,0.png\n";

    [Fact]
    public async Task Images_of_the_embedded_model_are_measured_with_and_without_control()
    {
        using var tool = new Tool();
        await File.WriteAllTextAsync("t.csv", $"prompt,photo\npanda face,{Tool.Photo}\nfox face,{Tool.Photo}\n", TestContext.Current.CancellationToken);
        string[] command = ["evaluate", "t.csv", "-o", "run", "--steps", "2", "--size", "64", "--baseline", "none"];

        var answer = await tool.RunAsync([.. command, "--json"]);
        var journal = await File.ReadAllTextAsync("run/measures.jsonl", TestContext.Current.CancellationToken);
        var image = File.GetLastWriteTimeUtc("run/pictures/00000000.png");
        var again = await tool.RunAsync(command);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        using var json = JsonDocument.Parse(answer.Output);
        var methods = json.RootElement.GetProperty("methods").EnumerateArray().ToList();
        Assert.Equal(["emoji/canny", "none"], methods.Select(method => method.GetProperty("name").GetString()));
        foreach (var (method, folder) in methods.Zip((string[])["run", "run/baseline"]))
        {
            var expected = Enumerable.Range(0, 2).Average(row => EdgeFidelity.Compare(
                ImageCodec.Load($"run/conditions/0000000{row}.png"), Canny.Apply(ImageCodec.Load(Path.Combine(folder, ScoringFolder.ImageName(row))))).F1);
            Close.Number(expected, method.GetProperty("metrics").GetProperty("edge_f1").GetProperty("value").GetDouble(), 1e-12, "F1");
        }

        var (with, without) = (PngText.Read("run/pictures/00000001.png"), PngText.Read("run/baseline/pictures/00000001.png"));
        Assert.Equal((with["seed"], with["prompt"]), (without["seed"], without["prompt"]));
        Assert.Equal((true, false), (with.ContainsKey("control_1"), without.ContainsKey("control_1")));

        // Again: nothing is generated or measured, and the report is the same.
        Assert.Equal((0, ""), (again.Code, again.Error));
        Assert.Matches(@"emoji/canny +none\n.*\nedge_f1 ↑ +0\.\d+ \[", again.Output.ReplaceLineEndings("\n"));
        Assert.Equal(journal, await File.ReadAllTextAsync("run/measures.jsonl", TestContext.Current.CancellationToken));
        Assert.Equal(image, File.GetLastWriteTimeUtc("run/pictures/00000000.png"));
        var sheet = ImageCodec.Load("run/evaluation.png");
        Assert.Equal(((3 * 68) - 4, (2 * 68) - 4), (sheet.Width, sheet.Height));
    }

    [Fact]
    public async Task The_report_has_every_method_and_every_image_and_counts_what_is_missing()
    {
        using var folder = new EvaluateFolder(Rows);
        foreach (var name in (string[])["a", "b", "d"])
            Save(folder.File("by-id", $"{name}.png"), 0);
        foreach (var number in Enumerable.Range(0, 4))
            Save(folder.File("by-number", $"{number:000}.png"), number % 3);
        Save(folder.File("by-number", "7.png"), 1);

        var answer = await folder.RunAsync(settings => settings with { Baseline = true, Columns = [$"LDM={folder.File("by-id")}", $"ours, new={folder.File("by-number")}"] });

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("warning: 'LDM': 1 of 4 images are missing or could not be measured, for instance row 2, there is no image", answer.Error);
        var lines = folder.Lines();
        Assert.Equal("method,row,file,edge_f1,edge_precision,edge_recall,error", lines[0]);
        Assert.Equal(16, lines.Length - 1);
        Assert.Equal("LDM,2,,,,,there is no image of this name", lines[11]);
        Assert.StartsWith("LDM,0,a.png,1,1,1,", lines[9], StringComparison.Ordinal);
        Assert.StartsWith("\"ours, new\",1,001.png,1,1,1,", lines[14], StringComparison.Ordinal);
        var markdown = await File.ReadAllTextAsync(Path.Combine(folder.Out, "evaluation.md"), TestContext.Current.CancellationToken);
        Assert.Contains("| ours, new | 4 | 1.000 [1.000, 1.000] |", markdown.Replace("0.999", "1.000", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("condition | emoji/canny | none | LDM | ours, new", markdown, StringComparison.Ordinal);
        Assert.Equal(["evaluation.csv", "evaluation.json", "evaluation.md", "evaluation.png"], Directory.EnumerateFiles(folder.Out, "evaluation.*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Shards_give_together_what_one_run_gives()
    {
        using var whole = new EvaluateFolder(Rows);
        using var parts = new EvaluateFolder(Rows);
        await whole.RunAsync();

        Assert.Equal(App.Success, (await parts.RunShardAsync(1, 2)).Code);
        var early = await parts.MergeAsync();
        Assert.Equal(App.Success, (await parts.RunShardAsync(0, 2)).Code);
        var merged = await parts.MergeAsync();

        Assert.Equal(App.Failed, early.Code);
        Assert.Contains("shard 0 of 2 is not finished", early.Error);
        Assert.Equal((App.Success, ""), (merged.Code, merged.Error));
        Assert.Equal(whole.Lines(), parts.Lines());
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Out, "evaluation.png")), File.ReadAllBytes(Path.Combine(parts.Out, "evaluation.png")));
        Assert.True(File.Exists(Path.Combine(parts.Out, "results.csv")));
    }

    [Fact]
    public async Task Only_what_is_not_measured_or_has_changed_is_measured()
    {
        using var folder = new EvaluateFolder(Rows);
        foreach (var number in Enumerable.Range(0, 4))
            Save(folder.File("others", $"{number}.png"), number % 3);
        Task<Answer> Run() => folder.RunAsync(settings => settings with { Columns = [$"others={folder.File("others")}"] });
        await Run();
        var (lines, journal) = (folder.Lines(), folder.Journal());

        // As a crash leaves the journal: its last line torn; and another image under a name.
        await File.WriteAllTextAsync(Path.Combine(folder.Out, "measures.jsonl"), string.Join('\n', journal)[..^20], TestContext.Current.CancellationToken);
        Save(folder.File("others", "1.png"), 12);
        await Run();

        Assert.Equal(journal[..^1], folder.Journal()[..^2]);
        Assert.Equal(lines.Where(line => !line.StartsWith("others,1,", StringComparison.Ordinal)), folder.Lines().Where(line => !line.StartsWith("others,1,", StringComparison.Ordinal)));
        Assert.NotEqual(lines, folder.Lines());

        // Another measure measures all images again, and generates none.
        var image = File.GetLastWriteTimeUtc(Path.Combine(folder.Out, ScoringFolder.ImageName(0)));
        await folder.RunAsync(settings => settings with { Columns = [$"others={folder.File("others")}"], Tolerance = 5 });
        Assert.Equal(8 + 8 + 1, folder.Journal().Length);
        Assert.Equal(image, File.GetLastWriteTimeUtc(Path.Combine(folder.Out, ScoringFolder.ImageName(0))));
    }

    [Fact]
    public async Task An_evaluation_that_was_stopped_while_it_generated_is_completed_by_the_same_command()
    {
        using var whole = new EvaluateFolder(Rows);
        using var stopped = new EvaluateFolder(Rows);
        using var cancellation = new CancellationTokenSource();
        await whole.RunAsync(settings => settings with { Baseline = true });

        // In the baseline: two images are there, and nothing is measured.
        stopped.Backend.Decoding = image =>
        {
            if (stopped.Backend.Rows > 6)
                cancellation.Cancel();
        };
        var answer = await stopped.RunAsync(settings => settings with { Baseline = true }, cancellationToken: cancellation.Token);
        Assert.Equal(App.Cancelled, answer.Code);
        Assert.Contains("the same command resumes the run", answer.Error);
        Assert.False(File.Exists(Path.Combine(stopped.Out, "evaluation.csv")));
        stopped.Backend.Decoding = _ => { };

        Assert.Equal(0, (await stopped.RunAsync(settings => settings with { Baseline = true })).Code);
        Assert.Equal(whole.Lines(), stopped.Lines());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sets_of_images_are_compared_with_real_ones(bool isColumn)
    {
        using var folder = new EvaluateFolder(Rows.Replace("prompt,", "prompt,real,", StringComparison.Ordinal)
            .Replace("fox,", "fox,real/0.png,", StringComparison.Ordinal).Replace("apple,", "apple,real/1.png,", StringComparison.Ordinal)
            .Replace("rocket,", "rocket,real/2.png,", StringComparison.Ordinal).Replace("panda,", "panda,real/3.png,", StringComparison.Ordinal));
        foreach (var number in Enumerable.Range(0, 4))
        {
            Save(folder.File("real", $"{number}.png"), number);
            Save(folder.File("same", $"{number}.png"), number);
        }

        File.WriteAllBytes(folder.File("means.onnx"), FeatureGraphs.Means());
        File.WriteAllBytes(folder.File("text.onnx"), FeatureGraphs.Text());
        File.WriteAllBytes(folder.File("head.safetensors"), ConstantHead(5));
        var answer = await folder.RunAsync(
            settings => settings with
            {
                Real = isColumn ? "real" : folder.File("real"),
                Features = folder.File("means.onnx"),
                ClipImage = folder.File("means.onnx"),
                ClipText = folder.File("text.onnx"),
                Aesthetic = folder.File("head.safetensors"),
                Columns = [$"same={folder.File("same")}"],
            },
            json: true);

        Assert.Equal(0, answer.Code);
        using var json = JsonDocument.Parse(answer.Output);
        var metrics = json.RootElement.GetProperty("methods").EnumerateArray().Select(method => method.GetProperty("metrics")).ToList();
        Close.Number(0, metrics[1].GetProperty("fid").GetProperty("value").GetDouble(), 1e-6, "the distance of equal sets");
        Assert.True(metrics[0].GetProperty("fid").GetProperty("value").GetDouble() > 1e-3);
        Assert.Equal(1, metrics[1].GetProperty("coverage").GetProperty("value").GetDouble());
        Assert.InRange(metrics[0].GetProperty("clip").GetProperty("value").GetDouble(), -1, 1);
        Assert.Equal(JsonValueKind.Number, metrics[0].GetProperty("clip").GetProperty("low").ValueKind);
        Assert.Equal(5, metrics[1].GetProperty("aesthetic").GetProperty("value").GetDouble());
        Assert.Empty(json.RootElement.GetProperty("warnings").EnumerateArray());
        Assert.Equal(4, json.RootElement.GetProperty("real").GetProperty("images").GetInt32());
    }

    [Fact]
    public async Task Too_few_images_and_features_that_are_no_numbers_are_named()
    {
        using var folder = new EvaluateFolder(Rows);
        Directory.CreateDirectory(folder.File("real"));
        foreach (var level in (byte[])[5, 10, 250, 255])
            ImageCodec.SavePng(folder.File("real", $"{level}.png"), Grey(level));
        File.WriteAllBytes(folder.File("log.onnx"), FeatureGraphs.Means(operation: "Log"));

        // The logarithm of a dark image's features, which are negative, is no number.
        var few = await folder.RunAsync(settings => settings with { Real = folder.File("real"), Features = folder.File("log.onnx") });

        Assert.Contains("2 of 4 real images could not be read, for instance:", few.Error);
        Assert.Contains("is NaN, expected a finite number", few.Error);
        Assert.Contains("has no FID and KID: there are 2 real images", few.Error);

        File.WriteAllBytes(folder.File("means.onnx"), FeatureGraphs.Means());
        foreach (var number in Enumerable.Range(0, 4))
            Save(folder.File("few", $"{number}.png"), number);
        File.Delete(folder.File("few", "3.png"));
        var biased = await folder.RunAsync(settings => settings with { Real = folder.File("few"), Features = folder.File("means.onnx") });
        Assert.Contains("has no FID and KID: there are 3 real images and 4 of its own, expected at least 4 of each", biased.Error);
    }

    [Fact]
    public async Task A_folder_of_score_is_evaluated_as_it_is_and_images_of_elsewhere_alone()
    {
        using var folder = new EvaluateFolder(Rows);
        await folder.RunAsync();
        var alone = await folder.RunAsync(settings => settings with
        {
            Generate = false,
            Score = settings.Score with { Out = folder.File("alone") },
            Columns = [$"run={folder.Out}"],
        });

        Assert.Equal((0, ""), (alone.Code, alone.Error));
        var lines = await File.ReadAllLinesAsync(folder.File("alone", "evaluation.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(folder.Lines().Skip(1).Select(Numbers), lines.Skip(1).Select(Numbers));
        Assert.False(Directory.Exists(folder.File("alone", "pictures")));

        static string Numbers(string line) => string.Join(',', line.Split(',')[3..]);
    }

    [Theory]
    [InlineData("No image in 'strange' ('left.png', …) belongs to one row", 1, "prompt,photo\nx,0.png\n", "--column", "a=strange")]
    [InlineData("has 'x.bmp' and 'x.png', expected one image of a name", 1, "prompt,photo\nx,0.png\n", "--column", "a=twice")]
    [InlineData("The folder 'nowhere' does not exist", 1, "prompt,photo\nx,0.png\n", "--column", "a=nowhere")]
    [InlineData("--column is 'strange', expected NAME=FOLDER", 2, "prompt,photo\nx,0.png\n", "--column", "strange")]
    [InlineData("Two columns of the report are called 'none'", 2, "prompt,photo\nx,0.png\n", "--column", "none=by-photo", "--baseline", "none")]
    [InlineData("--real and --features belong together", 2, "prompt,photo\nx,0.png\n", "--real", "strange")]
    [InlineData("--real is 'elsewhere', expected a folder, or one of the columns", 2, "prompt,photo\nx,0.png\n", "--real", "elsewhere", "--features", "t.csv")]
    [InlineData("--aesthetic is a head on CLIP's image encoder", 2, "prompt,photo\nx,0.png\n", "--aesthetic", "head.pth")]
    [InlineData("--clip is 'a.onnx', expected two files", 2, "prompt,photo\nx,0.png\n", "--clip", "a.onnx")]
    [InlineData("--no-generate leaves only images made elsewhere", 2, "prompt,photo\nx,0.png\n", "--no-generate")]
    [InlineData("--baseline generates images, and --no-generate does not", 2, "prompt,photo\nx,0.png\n", "--no-generate", "--baseline", "none")]
    [InlineData("--baseline is the run without control, and the run has none", 2, "prompt\nx\n", "--baseline", "none")]
    [InlineData("There is nothing to measure", 2, "prompt\nx\n")]
    [InlineData("There is nothing to measure", 2, "prompt,photo\nx,0.png\n", "--no-fidelity")]
    [InlineData("There is no condition 'cany'; did you mean 'canny'?", 2, "prompt,photo\nx,0.png\n", "--as", "cany")]
    [InlineData("--as names 2 annotators, expected one", 2, "prompt,photo\nx,0.png\n", "--as", "canny,mlsd")]
    [InlineData("needs its ONNX file: --annotator FILE", 2, "prompt,photo\nx,0.png\n", "--as", "depth_midas")]
    [InlineData("'canny' needs none", 2, "prompt,photo\nx,0.png\n", "--annotator", "t.csv")]
    [InlineData("has no option 'speed'", 2, "prompt,photo\nx,0.png\n", "--annotator-set", "speed=3")]
    [InlineData("--tolerance is -1, expected at least 0", 2, "prompt,photo\nx,0.png\n", "--tolerance", "-1")]
    [InlineData("--sheet is 101, expected 0 to 100", 2, "prompt,photo\nx,0.png\n", "--sheet", "101")]
    [InlineData("is an image; expected an ONNX file", 1, "prompt,photo\nx,0.png\n", "--real", "by-photo", "--features", "0.png")]
    public async Task What_cannot_be_evaluated_is_named_before_anything_is_generated(string because, int code, string table, params string[] args)
    {
        using var tool = new Tool();
        await File.WriteAllTextAsync("t.csv", table, TestContext.Current.CancellationToken);
        Save("0.png", 0);
        Save("strange/left.png", 0);
        Save("by-photo/0.png", 0);
        Save("twice/x.png", 0);
        File.Copy("0.png", "twice/x.bmp");

        var answer = await tool.RunAsync(["evaluate", "t.csv", "-o", "run", "--steps", "1", .. args]);

        Assert.Equal(code, answer.Code);
        Assert.Contains(because, answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("run"));
    }

    [Fact]
    public void A_folder_that_changes_while_it_is_measured_is_noticed()
    {
        using var folder = new EvaluateFolder(Rows);
        foreach (var name in (string[])["a", "b", "c"])
            Save(folder.File("images", $"{name}.png"), 0);
        var images = ImageFolder.Open(folder.File("images"));
        images.RequireUnchanged();

        Save(folder.File("images", "d.png"), 0);
        File.Delete(folder.File("images", "a.png"));
        Save(folder.File("images", "b.png"), 20);
        File.SetLastWriteTimeUtc(folder.File("images", "b.png"), DateTime.UnixEpoch);

        Assert.Contains(
            "changed while its images were measured: 1 are new, 1 are gone, 1 have other content", Assert.Throws<ControlNetException>(images.RequireUnchanged).Message);
    }

    [Fact]
    public async Task A_folder_without_an_evaluation_is_not_merged()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("evaluate", "merge", ".");
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("has no evaluate.json, expected the --output folder of 'controlnet evaluate'", answer.Error, StringComparison.Ordinal);
    }

    private static void Save(string file, int number)
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        ImageCodec.SavePng(file, EvaluateFolder.Drawing(number));
    }

    /// <summary>An aesthetic predictor that gives every embedding of three numbers one score.</summary>
    private static byte[] ConstantHead(float score)
    {
        var header = """{"layers.0.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]},"layers.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"""u8.ToArray();
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[12], .. BitConverter.GetBytes(score)];
    }

    private static ImageBuffer Grey(byte level)
    {
        var image = new ImageBuffer(32, 32, 3);
        Array.Fill(image.Samples, level);
        return image;
    }
}
