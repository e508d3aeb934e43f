using System.Diagnostics;
using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

public sealed class GenerateTests
{
    [Fact]
    public async Task A_photo_alone_takes_the_models_own_control_network_and_the_image_says_how_it_was_made()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("generate", "tangerine", "--photo", Tool.Photo, "--steps", "2", "--seed", "7", "--output", "a.png", "--show-condition");

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Equal(["a-condition.png", "a.png"], tool.Files);
        var text = PngText.Read("a.png");
        Assert.Equal("tangerine", text["prompt"]);
        Assert.Equal("7", text["seed"]);
        Assert.Equal("emoji/canny", text["control_1"]);
        Assert.Equal("panda.png", text["control_1_photo"]);
        Assert.Equal("canny", text["control_1_preprocessor"]);
        Assert.Equal(64, text["control_1_photo_sha256"].Length);
        var (image, strip) = (ImageCodec.Load("a.png"), ImageCodec.Load("a-condition.png"));
        Assert.Equal((image.Height, (image.Width * 3) + 8), (strip.Height, strip.Width));
    }

    [Fact]
    public async Task An_image_to_begin_from_is_changed_where_the_mask_says()
    {
        using var tool = new Tool();
        var mask = new ImageBuffer(128, 128, 1);
        mask.Samples.AsSpan(0, mask.Samples.Length / 2).Fill(byte.MaxValue);
        ImageCodec.SavePng("mask.png", mask);

        var answer = await tool.RunAsync("generate", "tiger face", "--image", Tool.Photo, "--mask", "mask.png", "--steps", "3", "--output", "m.png");

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        var (before, after) = (ImageCodec.Load(Tool.Photo), ImageCodec.Load("m.png"));
        double Change(int from, int to) => Enumerable.Range(from * 128 * 3, (to - from) * 128 * 3).Average(i => Math.Abs(before.Samples[i] - after.Samples[i]));
        Assert.True(Change(96, 128) * 3 < Change(0, 48), $"below {Change(96, 128)}, above {Change(0, 48)}");
        var text = PngText.Read("m.png");
        Assert.Equal(("1", "panda.png", "mask.png", "crop"), (text["image_strength"], text["image"], text["mask"], text["image_fit"]));
        Assert.Equal(64, text["mask_sha256"].Length);
    }

    [Theory, InlineData("small"), InlineData("mid"), InlineData("small-plain-mid")]
    public async Task A_network_with_fewer_attentions_steers(string network)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "fewer", network), $"No networks in {Fixtures.Root}.");
        using var tool = new Tool();
        string[] common = ["generate", "a red apple", "--model", Fixtures.Path("models", "sdxl"), "--steps", "2", "--seed", "3", "--size", "64"];
        string[] controlled = [.. common, "--photo", Tool.Photo, "--preprocess", "canny", "--control"];

        Assert.Equal((0, ""), await Run([.. common, "--output", "without.png"]));
        Assert.Equal((0, ""), await Run([.. controlled, Fixtures.Path("beyond", "fewer", network), "--output", "with.png"]));
        Assert.Equal((0, ""), await Run([.. controlled, Fixtures.Path("beyond", "fewer", network) + ":0", "--output", "zero.png"]));

        Assert.NotEqual(ImageCodec.Load("without.png").Samples.ToArray(), ImageCodec.Load("with.png").Samples.ToArray());
        Assert.Equal(ImageCodec.Load("without.png").Samples.ToArray(), ImageCodec.Load("zero.png").Samples.ToArray());

        async Task<(int, string)> Run(string[] args) => (await tool.RunAsync(args)) is var answer ? (answer.Code, answer.Error) : default;
    }

    [Fact]
    public async Task A_preprocessor_takes_its_settings()
    {
        using var tool = new Tool();
        string[] common = ["generate", "lemon", "--photo", Tool.Photo, "--preprocess", "scribble", "--steps", "1", "--output", "s.png"];

        Assert.Equal(0, (await tool.RunAsync([.. common, "--set", "threshold=90"])).Code);
        var refused = await tool.RunAsync([.. common, "--set", "sigma=3"]);

        Assert.Contains("Threshold = 90", PngText.Read("s.png")["control_1_preprocessor_options"]);
        Assert.Equal(App.Misused, refused.Code);
        Assert.Contains("no option 'sigma'", refused.Error);
    }

    [Theory]
    [InlineData("a.jpg")]
    [InlineData("a.webp")]
    public async Task Other_formats_are_written_too_and_a_prompt_may_begin_with_an_at_sign(string file)
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("generate", "@home", "--steps", "1", "--output", file);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Equal([file], tool.Files);
        Assert.NotNull(ImageCodec.Load(file));
    }

    [Fact]
    public async Task Several_images_come_with_a_grid_and_one_json_document()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("generate", "rocket", "--count", "3", "--seed", "5", "--steps", "1", "--size", "64x32", "--output", "r.png", "--json");

        Assert.Equal(["r-1.png", "r-2.png", "r-3.png", "r-grid.png"], tool.Files);
        using var json = JsonDocument.Parse(answer.Output);
        var images = json.RootElement.GetProperty("pictures").EnumerateArray().ToArray();
        Assert.Equal([5UL, 6UL, 7UL], images.Select(p => p.GetProperty("seed").GetUInt64()));
        Assert.All(images, p => Assert.True(p.GetProperty("seconds").GetProperty("denoise").GetDouble() > 0));
        Assert.Equal("r-grid.png", json.RootElement.GetProperty("grid").GetString());
        Assert.Equal((64, 32), (ImageCodec.Load("r-2.png").Width, ImageCodec.Load("r-2.png").Height));
    }

    [Fact]
    public async Task A_made_up_name_never_replaces_a_file()
    {
        using var tool = new Tool();

        await tool.RunAsync("generate", "Red apple!", "--steps", "1");
        await tool.RunAsync("generate", "Red apple!", "--steps", "1");

        Assert.Equal(["red-apple-02.png", "red-apple.png"], tool.Files);
    }

    [Fact]
    public async Task Scale_zero_and_a_window_that_is_over_are_as_no_control()
    {
        using var tool = new Tool();
        string[] common = ["generate", "lemon", "--steps", "2", "--seed", "3"];

        await tool.RunAsync([.. common, "--output", "plain.png"]);
        await tool.RunAsync([.. common, "--photo", Tool.Photo, "--control", "emoji/canny:0", "--output", "zero.png"]);
        await tool.RunAsync([.. common, "--photo", Tool.Photo, "--control", "emoji/canny:1:0-0.1", "--output", "window.png"]);
        await tool.RunAsync([.. common, "--photo", Tool.Photo, "--control", "emoji/canny", "--output", "control.png"]);

        var plain = ImageCodec.Load("plain.png").Samples;
        Assert.Equal(plain, ImageCodec.Load("zero.png").Samples);
        Assert.Equal(plain, ImageCodec.Load("window.png").Samples);
        Assert.NotEqual(plain, ImageCodec.Load("control.png").Samples);
    }

    [Theory]
    [InlineData("--guess")]
    [InlineData("--guess", "original")]
    [InlineData("--weighting", "resolution")]
    public async Task Every_weighting_gives_an_image_of_its_own(params string[] how)
    {
        using var tool = new Tool();
        string[] common = ["generate", "lemon", "--steps", "2", "--seed", "3", "--photo", Tool.Photo, "--output"];

        await tool.RunAsync([.. common, "uniform.png"]);
        Assert.Equal(0, (await tool.RunAsync([.. common, "weighted.png", .. how])).Code);

        Assert.NotEqual(ImageCodec.Load("uniform.png").Samples, ImageCodec.Load("weighted.png").Samples);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_file_in_every_process()
    {
        using var tool = new Tool();
        var tool2 = typeof(App).Assembly.Location;
        foreach (var name in new[] { "a", "b" })
        {
            Directory.CreateDirectory(name);
            using var process = Process.Start(new ProcessStartInfo("dotnet")
            {
                WorkingDirectory = Path.Combine(tool.Folder, name),
                RedirectStandardOutput = true,
                ArgumentList = { tool2, "generate", "fox", "--photo", Tool.Photo, "--steps", "3", "--seed", "11", "--scheduler", "euler-ancestral", "--output", "fox.png" },
            })!;
            Assert.Equal("fox.png", (await process.StandardOutput.ReadToEndAsync()).Trim());
            await process.WaitForExitAsync();
        }

        Assert.Equal(File.ReadAllBytes("a/fox.png"), File.ReadAllBytes("b/fox.png"));
    }

    [Fact]
    public async Task Bfloat16_draws_nearly_the_same()
    {
        using var tool = new Tool();
        string[] common = ["generate", "tangerine, fluent 3d emoji", "--steps", "5", "--seed", "3", "--guidance", "4", "--output"];

        await tool.RunAsync([.. common, "full.png"]);
        await tool.RunAsync([.. common, "half.png", "--precision", "bf16"]);

        var (full, half) = (ImageCodec.Load("full.png").Samples, ImageCodec.Load("half.png").Samples);
        Assert.NotEqual(full, half);
        Assert.InRange(full.Zip(half, (a, b) => Math.Abs(a - b)).Average(), 0.001, 6);
    }
}
