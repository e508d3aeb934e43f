using System.Text;
using System.Text.Json;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Whatever files, names and arguments hold, nothing but line breaks steers the terminal that the tool writes to.</summary>
public sealed class EscapesTests : IDisposable
{
    /// <summary>Title, clear the screen, red; a bell, C1's introducer, a line turned around, a line break of Unicode's.</summary>
    private const string Bad = "\u001b]0;PWNED\u0007\u001b[2J\u001b[1;31m\u009b31m\u202eerased\u2066\u2028\u0085\u007f";

    private readonly Tool _tool = new();

    public static TheoryData<string[]> Arguments() => new(
    [
        [Bad],
        ["generate"], ["generate", Bad, Bad],
        ["generate", Bad, "--steps", Bad],
        ["generate", Bad, "--size", Bad],
        ["generate", Bad, "--scheduler", Bad],
        ["generate", Bad, "--model", Bad],
        ["generate", Bad, "--output", Bad],
        ["generate", Bad, "--output", Bad + "/x.png"],
        ["generate", Bad, "--photo", Bad],
        ["generate", Bad, "--photo", Bad, "--verbose"],
        ["generate", Bad, "--photo", Tool.Photo, "--control", Bad],
        ["generate", Bad, "--photo", Tool.Photo, "--control", $"{Bad}:1:0.5-0.2"],
        ["generate", Bad, "--photo", Tool.Photo, "--preprocess", Bad],
        ["generate", "x", "--" + Bad],
        ["annotate", Tool.Photo, "--as", Bad],
        ["annotate", Tool.Photo, "--set", Bad],
        ["annotate", Tool.Photo, "--as", "threshold", "--set", $"value={Bad}"],
        ["annotate", Tool.Photo, "--as", "depth_midas", "--set", $"model={Bad}"],
        ["annotate", Bad], ["draw", "pose", Bad], ["draw", "depth", Bad],
        ["models", Bad], ["score", Bad, "--output", Bad], ["score", "merge", Bad], ["score", "t.csv", "--output", "o", "--shard", Bad],
        ["train", Bad, "--output", Bad], ["train", "plot", Bad], ["bench", Bad],
    ]);

    [Theory, MemberData(nameof(Arguments))]
    public async Task Arguments_come_out_escaped(string[] arguments)
    {
        var answer = await _tool.RunAsync(arguments);
        Assert.NotEqual(App.Success, answer.Code);
        IsPlain(answer);
    }

    [Theory]
    [InlineData("unet/config.json", "{\"_class_name\": \"UNet2DConditionModel\", \"x\": BAD}")]
    [InlineData("unet/config.json", "{\"_class_name\": \"BAD\"}")]
    [InlineData("unet/config.json", "BAD")]
    [InlineData("unet/config.json", "{\"BAD\": 1, \"act_fn\": \"BAD\"}")]
    [InlineData("model_index.json", "{\"_class_name\": \"BAD\"}")]
    [InlineData("scheduler/scheduler_config.json", "{\"_class_name\": \"BAD\"}")]
    [InlineData("scheduler/scheduler_config.json", "{\"_class_name\": \"DDIMScheduler\", \"beta_schedule\": \"BAD\"}")]
    [InlineData("tokenizer/tokenizer_config.json", "{\"tokenizer_class\": \"BAD\"}")]
    [InlineData("tokenizer/tokenizer_config.json", "{\"padding_side\": \"BAD\"}")]
    [InlineData("tokenizer/vocab.json", "{\"BAD\": 1, \"b\": 1}")]
    [InlineData("tokenizer/vocab.json", "{\"BAD\": \"BAD\"}")]
    [InlineData("tokenizer/merges.txt", "BAD")]
    [InlineData("tokenizer/merges.txt", "#version: 0.2\nBAD BAD BAD")]
    public async Task File_contents_come_out_escaped(string file, string content)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Fixtures.Path("models", "sd1"), "model");
        foreach (var bad in new[] { Bad, JsonEncodedText.Encode(Bad).ToString() })
        {
            File.WriteAllText(Path.Combine(model, file), content.Replace("BAD", bad, StringComparison.Ordinal));
            var answer = await _tool.RunAsync("models", model);
            Assert.Equal(App.Failed, answer.Code);
            IsPlain(answer);
        }
    }

    [Fact]
    public async Task Keys_that_nobody_knows_are_warned_about_escaped()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Fixtures.Path("models", "sd1"), $"model{Bad.Replace("/", "", StringComparison.Ordinal)}");
        var config = Path.Combine(model, "vae", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("{", $"{{\"{JsonEncodedText.Encode(Bad)}\": 1,", StringComparison.Ordinal));
        var answer = await _tool.RunAsync("models", model);
        Assert.Equal(App.Success, answer.Code);
        Assert.Contains("warning: ", answer.Error, StringComparison.Ordinal);
        IsPlain(answer);
    }

    [Fact]
    public async Task Names_of_files_come_out_escaped_and_as_they_are_in_json()
    {
        if (OperatingSystem.IsWindows())
            return; // No such names there.
        var name = $"{Bad}\nerror: a";
        File.Copy(Tool.Photo, $"{name}.png");

        var answer = await _tool.RunAsync("annotate", $"{name}.png", "--as", "canny,none");
        Assert.Equal((App.Success, 3), (answer.Code, answer.Output.TrimEnd().Split('\n').Length));
        IsPlain(answer);

        answer = await _tool.RunAsync("annotate", $"{name}.png", "--as", "canny,none", "--json");
        IsPlain(answer);
        using var json = JsonDocument.Parse(answer.Output);
        Assert.Equal($"{name}.png", json.RootElement.GetProperty("photos")[0].GetProperty("photo").GetString());
    }

    [Theory]
    [InlineData("prompt,seed\nx,BAD\n")]
    [InlineData("prompt,photo\nx,BAD\n")]
    [InlineData("prompt,BAD\nx,1\n")]
    [InlineData("BAD,BAD\nx,1\n")]
    [InlineData("prompt,width\nBAD,BAD\n")]
    [InlineData("prompt,photo,mode\nBAD,panda.png,BAD\n")]
    [InlineData("prompt,image,strength\nBAD,BAD,BAD\n")]
    public async Task Tables_cells_and_headers_come_out_escaped(string table)
    {
        File.WriteAllText("table.csv", table.Replace("BAD", Bad.Replace("\u0085", "", StringComparison.Ordinal), StringComparison.Ordinal), Encoding.UTF8);
        IsPlain(await _tool.RunAsync("score", "table.csv", "--output", "out", "--dry-run"));
        IsPlain(await _tool.RunAsync("score", "table.csv", "--output", "out", "--dry-run", "--json"));
    }

    [Fact]
    public async Task The_rest_of_a_long_prompt_comes_out_escaped()
    {
        var answer = await _tool.RunAsync("generate", string.Concat(Enumerable.Repeat($"apple {Bad} ", 100)), "--steps", "1", "--size", "64", "--long-prompts", "truncate", "--output", "x.png");
        Assert.Equal(App.Success, answer.Code);
        Assert.StartsWith("warning: The prompt is longer", answer.Error, StringComparison.Ordinal);
        IsPlain(answer);
    }

    /// <summary>The writers behind the terminal escape; this keeps anything from going around them.</summary>
    [Fact]
    public void Nothing_writes_around_the_terminal()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Contains("obj"))
            .ToDictionary(file => Path.GetRelativePath(Path.Combine(Fixtures.Checkout, "src"), file).Replace('\\', '/'), File.ReadAllText);
        Only("Console.", "ControlNet.ML.Cli/Terminal.cs");
        Only("terminal.Output", "ControlNet.ML.Cli/Json.cs", "ControlNet.ML.Cli/App.cs");
        Only("terminal.Error", "ControlNet.ML.Cli/App.cs");
        Only("Markup", "ControlNet.ML.Cli/ProgressDisplay.cs");
        Only("Trace.Write");
        Only("Debug.Write");

        // Where an exception is made that is not our own, its message has to be escaped as ours is.
        Only(": Exception", "ControlNet.ML/ControlNetException.cs", "ControlNet.ML/Components/Rows/EarlierFailure.cs", "ControlNet.ML.Cli/UsageException.cs", "ControlNet.ML.Cli/Scoring/Merge.cs");

        void Only(string text, params string[] files) =>
            Assert.Equal(files.Order(StringComparer.Ordinal), sources.Where(source => Mentions(source.Value, text)).Select(source => source.Key).Order(StringComparer.Ordinal));

        static bool Mentions(string source, string text) =>
            source.Split('\n').Any(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));
    }

    public void Dispose() => _tool.Dispose();

    private static void IsPlain(Answer answer)
    {
        foreach (var text in new[] { answer.Output, answer.Error })
        {
            Assert.DoesNotContain(text, character => (char.IsControl(character) && character != '\n')
                || character is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069'));
            Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 70_000));
        }

        if (answer.Code is App.Failed or App.Misused)
            Assert.StartsWith("error: ", answer.Error, StringComparison.Ordinal);
    }
}
