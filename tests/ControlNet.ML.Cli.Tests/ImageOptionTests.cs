using System.Globalization;
using System.Text.RegularExpressions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Options that change an image reach it, and its provenance: the image is the library's with the same settings.</summary>
public sealed partial class ImageOptionTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task Clip_skip_eta_and_guidance_rescale_are_those_of_the_library()
    {
        string[] common = ["generate", "lemon", "--steps", "2", "--guidance", "5", "--scheduler", "DDIM", "--negative", "blurry", "--output"];
        var settings = new GenerateOptions { Steps = 2, Guidance = 5, Scheduler = "ddim", NegativePrompt = "blurry" };
        using var model = DiffusionModel.Load("emoji");
        await Same("plain.png", settings);
        await Same("skip.png", settings with { ClipSkip = 1 }, "--clip-skip", "1");
        await Same("features.png", settings with { Approximation = new() { FeatureInterval = 2 } }, "--approximate", "features=2");
        await Same("guidance.png", settings with { Approximation = new() { ControlInterval = 2, GuidanceEnd = 0.5 } }, "--approximate", "control=2", "--approximate", "guidance=0.5");
        await Same("eta.png", settings with { Eta = 0.5 }, "--eta", "0.5");
        await Same("rescale.png", settings with { GuidanceRescale = 0.7 }, "--guidance-rescale", "0.7");
        var images = ((string[])["plain", "skip", "features", "guidance", "eta", "rescale"]).Select(name => Convert.ToHexString(ImageCodec.Load($"{name}.png").Samples)).ToArray();
        Assert.Equal(6, images.Distinct().Count());

        async Task Same(string file, GenerateOptions options, params string[] args)
        {
            var answer = await _tool.RunAsync([.. common, file, .. args]);
            Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
            var expected = model.Generate("lemon", options);
            Assert.Equal(expected.Image.Samples, ImageCodec.Load(file).Samples);
            var written = PngText.Read(file);
            foreach (var key in (string[])["clip_skip", "eta", "guidance_rescale", "scheduler"])
                Assert.Equal(expected.Provenance[key], written[key]);
            Assert.Equal(expected.Provenance.GetValueOrDefault("approximation"), written.GetValueOrDefault("approximation"));
        }
    }

    [Fact]
    public async Task Prompts_are_read_as_the_options_say()
    {
        const string Prompt = "a (red:1.4) lemon";
        var longer = string.Join(' ', Enumerable.Repeat("red", 31)) + " lemon";
        string[] common = ["--steps", "1", "--size", "32", "--output"];
        var settings = new GenerateOptions { Steps = 1, Width = 32, Height = 32 };
        using var model = DiffusionModel.Load("emoji");
        await Same("plain.png", Prompt, settings);
        await Same("weighted.png", Prompt, settings with { PromptSyntax = PromptSyntax.Weighted }, "--prompt-syntax", "weighted");
        await Same("long.png", longer, settings);
        var answer = await Same("cut.png", longer, settings with { LongPrompts = LongPrompts.Truncate }, "--long-prompts", "truncate");
        Assert.Contains("longer than the 30 tokens that the text encoder takes; left out: 'red lemon'.", answer, StringComparison.Ordinal);
        Assert.NotEqual(ImageCodec.Load("plain.png").Samples, ImageCodec.Load("weighted.png").Samples);
        Assert.NotEqual(ImageCodec.Load("long.png").Samples, ImageCodec.Load("cut.png").Samples);

        foreach (var wrong in (string[][])[["--prompt-syntax", "0"], ["--prompt-syntax", "weights"], ["--long-prompts", "cut"]])
            Assert.Equal(App.Misused, (await _tool.RunAsync(["generate", Prompt, .. common, "x.png", .. wrong])).Code);

        async Task<string> Same(string file, string prompt, GenerateOptions options, params string[] args)
        {
            var result = await _tool.RunAsync(["generate", prompt, .. common, file, .. args]);
            Assert.Equal(App.Success, result.Code);
            var expected = model.Generate(prompt, options);
            Assert.Equal(expected.Image.Samples, ImageCodec.Load(file).Samples);
            Assert.Equal(expected.Warnings.Count == 0, result.Error.Length == 0);
            var written = PngText.Read(file);
            foreach (var key in (string[])["prompt", "prompt_syntax", "long_prompts"])
                Assert.Equal(expected.Provenance[key], written[key]);
            return result.Error;
        }
    }

    [Fact]
    public async Task A_table_may_say_how_each_prompt_is_read()
    {
        var longer = string.Join(' ', Enumerable.Repeat("red", 35));
        await File.WriteAllTextAsync(
            "t.csv", $"prompt,prompt_syntax\n(red) lemon,weighted\n(red) lemon,\n{longer},Plain\n(red) lemon,brackets\n", TestContext.Current.CancellationToken);
        string[] score = ["score", "t.csv", "-o", "run", "--steps", "1", "--size", "32", "--format", "csv", "--batch-size", "4"];
        Assert.Equal(App.SomeFailed, (await _tool.RunAsync(score)).Code);
        var results = await File.ReadAllTextAsync(Path.Combine("run", "results.csv"), TestContext.Current.CancellationToken);
        Assert.Contains("column 'prompt_syntax': 'brackets' is not a prompt syntax, expected 'plain' or 'weighted'.", results, StringComparison.Ordinal);
        using var model = DiffusionModel.Load("emoji");
        var settings = new GenerateOptions { Steps = 1, Width = 32, Height = 32 };
        (string, GenerateOptions)[] rows = [("(red) lemon", settings with { PromptSyntax = PromptSyntax.Weighted }), ("(red) lemon", settings), (longer, settings)];
        foreach (var (row, (prompt, options)) in rows.Index())
        {
            var expected = model.Generate(prompt, options with { Seed = (ulong)row }).Image.Samples;
            var file = Path.Combine("run", "pictures", $"{row:D8}.png");
            Assert.All(ImageCodec.Load(file).Samples.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
            Assert.Equal(options.PromptSyntax.ToString().ToLowerInvariant(), PngText.Read(file)["prompt_syntax"]);
        }

        // What images depend on may not change while a run is resumed, not even from the version that cut prompts and did not say so.
        var other = await _tool.RunAsync([.. score, "--prompt-syntax", "weighted", "--long-prompts", "truncate"]);
        Assert.Contains("long prompts ('windows' there, 'truncate' here)", other.Error, StringComparison.Ordinal);
        Assert.Contains("prompt syntax (nothing there, 'weighted' here)", other.Error, StringComparison.Ordinal);
        var record = await File.ReadAllTextAsync(Path.Combine("run", "run.json"), TestContext.Current.CancellationToken);
        var earlier = LongPromptsLine().Replace(record, "");
        Assert.NotEqual(record, earlier);
        await File.WriteAllTextAsync(Path.Combine("run", "run.json"), earlier, TestContext.Current.CancellationToken);
        Assert.Contains("long prompts ('truncate' there, 'windows' here)", (await _tool.RunAsync(score)).Error, StringComparison.Ordinal);
        Assert.Equal(App.SomeFailed, (await _tool.RunAsync([.. score, "--long-prompts", "truncate"])).Code);
    }

    [Fact]
    public async Task A_scheduler_is_recorded_by_its_own_name_whatever_it_was_called()
    {
        foreach (var (i, name) in ((string[])["Euler a", "euler-ancestral", "EULER_ANCESTRAL"]).Index())
            Assert.Equal(App.Success, (await _tool.RunAsync("generate", "x", "--steps", "2", "--scheduler", name, "--output", $"{i}.png")).Code);
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal("euler-ancestral", PngText.Read($"{i}.png")["scheduler"]));
        Assert.All(Enumerable.Range(1, 2), i => Assert.Equal(ImageCodec.Load("0.png").Samples, ImageCodec.Load($"{i}.png").Samples));

        await _tool.RunAsync("generate", "x", "--steps", "2", "--scheduler", "EulerAncestralDiscreteScheduler", "--output", "class.png");
        Assert.Equal("EulerAncestralDiscreteScheduler", PngText.Read("class.png")["scheduler"]);
    }

    [Fact]
    public async Task A_drawn_seed_is_printed_and_recorded_and_makes_the_image_again()
    {
        var answer = await _tool.RunAsync("generate", "x", "--steps", "1", "--seed", "random", "--output", "drawn.png");
        Assert.Equal(App.Success, answer.Code);
        var seed = Seed().Match(answer.Error).Groups[1].Value;
        Assert.Equal($"--seed {seed}{Environment.NewLine}", answer.Error);
        Assert.Equal(seed, PngText.Read("drawn.png")["seed"]);

        await _tool.RunAsync("generate", "x", "--steps", "1", "--seed", seed, "--output", "again.png");
        Assert.Equal(ImageCodec.Load("drawn.png").Samples, ImageCodec.Load("again.png").Samples);

        // Of two draws of 31 bits.
        var other = await _tool.RunAsync("generate", "x", "--steps", "1", "--seed", "RANDOM", "--output", "other.png");
        Assert.NotEqual(answer.Error, other.Error);
    }

    [Fact]
    public async Task A_run_with_a_drawn_seed_is_resumed_with_the_seed_it_drew()
    {
        await File.WriteAllTextAsync("t.csv", "prompt\na\nb\n", TestContext.Current.CancellationToken);
        string[] score = ["score", "t.csv", "-o", "run", "--steps", "1", "--seed", "random", "--format", "csv"];
        var first = await _tool.RunAsync(score);
        var again = await _tool.RunAsync(score);
        Assert.Equal((App.Success, App.Success), (first.Code, again.Code));
        Assert.Equal(first.Error, again.Error);
        var seed = ulong.Parse(Seed().Match(first.Error).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal($"{seed + 1}", PngText.Read(Path.Combine("run", "pictures", "00000001.png"))["seed"]);

        var shards = await _tool.RunAsync("score", "t.csv", "-o", "shards", "--steps", "1", "--seed", "random", "--shard", "0/2");
        Assert.Equal(App.Misused, shards.Code);
        Assert.Contains("each shard would draw another one", shards.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_has_columns_for_them()
    {
        await File.WriteAllTextAsync("t.csv", "prompt,scheduler,eta,clip_skip,guidance_rescale\na,Euler a,,1,0.5\na,DDIMScheduler,0.5,,\nb,eulr,,,\nb,euler,0.5,,\n", TestContext.Current.CancellationToken);
        var answer = await _tool.RunAsync("score", "t.csv", "-o", "run", "--steps", "2", "--guidance", "5", "--size", "32", "--json", "--format", "csv");
        Assert.Equal(App.SomeFailed, answer.Code);
        var first = PngText.Read(Path.Combine("run", "pictures", "00000000.png"));
        Assert.Equal(("euler-ancestral", "0", "1", "0.5"), (first["scheduler"], first["eta"], first["clip_skip"], first["guidance_rescale"]));
        var second = PngText.Read(Path.Combine("run", "pictures", "00000001.png"));
        Assert.Equal(("DDIMScheduler", "0.5", "0", "0"), (second["scheduler"], second["eta"], second["clip_skip"], second["guidance_rescale"]));
        var results = await File.ReadAllTextAsync(Path.Combine("run", "results.csv"), TestContext.Current.CancellationToken);
        Assert.Contains("column 'scheduler': Unknown scheduler 'eulr'. Did you mean 'euler'?", results, StringComparison.Ordinal);
        Assert.Contains("column 'eta': EulerDiscreteScheduler takes no option Eta", results, StringComparison.Ordinal);

        using var model = DiffusionModel.Load("emoji");
        var expected = model.Generate("a", new GenerateOptions { Steps = 2, Guidance = 5, Width = 32, Height = 32, Scheduler = "euler-ancestral", ClipSkip = 1, GuidanceRescale = 0.5 });
        Assert.Equal(expected.Image.Samples, ImageCodec.Load(Path.Combine("run", "pictures", "00000000.png")).Samples);
    }

    [Theory]
    [InlineData(64, 32, "--width", "64", "--height", "32")]
    [InlineData(64, 32, "--size", "64x32")]
    [InlineData(64, 128, "--width", "64")]
    public async Task Width_and_height_are_a_size(int width, int height, params string[] size)
    {
        var answer = await _tool.RunAsync(["generate", "x", "--steps", "1", "--output", "x.png", .. size]);
        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        var image = ImageCodec.Load("x.png");
        Assert.Equal((width, height), (image.Width, image.Height));
    }

    [Fact]
    public async Task A_prompt_in_any_script_names_its_file()
    {
        foreach (var (prompt, file) in new[] { ("赤いりんご、3D絵文字", "赤いりんご-3d絵文字.png"), ("Красный трактор!", "красный-трактор.png") })
        {
            var answer = await _tool.RunAsync("generate", prompt, "--steps", "1", "--size", "32");
            Assert.Equal((App.Success, $"{file}{Environment.NewLine}"), (answer.Code, answer.Output));
            Assert.True(File.Exists(file));
        }
    }

    [GeneratedRegex("\\s*\"long prompts\": \"windows\",")]
    private static partial Regex LongPromptsLine();

    [GeneratedRegex(@"--seed (\d+)")]
    private static partial Regex Seed();
}
