using System.Text.Json;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>
/// From image files and prompts to the tensors of a training step, with numbers worked out by hand. Images are 16 by 8 and
/// black except for a few pixels; the networks only record their inputs.
/// </summary>
public sealed class TrainingBatchTests : IDisposable
{
    private const int Width = 16, Height = 8, Plane = Width * Height;
    private readonly TemporaryFolder _folder = new();
    private readonly Recording _networks = new();
    private readonly List<IDisposable> _owned = [];

    public TrainingBatchTests()
    {
        Torch.Native.TorchNative.EnsureLoaded();
        _owned.Add(NewDisposeScope());
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_autoencoder_is_given_the_image_from_minus_1_to_1_red_first()
    {
        // 255 becomes 1, 204 0.6, 51 -0.6, 0 -1.
        Assemble(Options, (Pixels((0, 0, [255, 204, 51]), (15, 7, [51, 0, 255])), Pixels(), ""));
        var image = Assert.Single(_networks.Images);
        Assert.Equal([1, 3, Height, Width], image.Shape);
        Close.Absolute<double, float>([1, 0.6, -0.6], Pixel(image.Values, 0, 0), 1e-6, "first pixel");
        Close.Absolute<double, float>([-0.6, -1, 1], Pixel(image.Values, 15, 7), 1e-6, "last pixel");
        Assert.Equal((3 * Plane) - 5, image.Values.Count(value => value == -1));
    }

    [Fact]
    public void The_condition_is_from_0_to_1_red_first_and_grey_is_repeated()
    {
        var grey = new ImageBuffer(Width, Height, 1);
        grey.Samples[0] = 102;
        var batch = Assemble(Options with { BatchSize = 2 }, (Pixels(), Pixels((0, 0, [255, 204, 51]), (15, 7, [51, 0, 255])), ""), (Pixels(), grey, ""));
        Assert.Equal([2, 3, Height, Width], batch.Condition.shape);
        foreach (var values in Enumerable.Range(0, 2).Select(row => Values(batch.Condition[row])))
        {
            // The epoch's permutation determines which row comes first.
            if (values[0] > 0.5)
            {
                Close.Absolute<double, float>([1, 0.8, 0.2], Pixel(values, 0, 0), 1e-6, "first pixel");
                Close.Absolute<double, float>([0.2, 0, 1], Pixel(values, 15, 7), 1e-6, "last pixel");
                Assert.Equal((3 * Plane) - 5, values.Count(value => value == 0));
            }
            else
            {
                Close.Absolute<double, float>([0.4, 0.4, 0.4], Pixel(values, 0, 0), 1e-6, "grey pixel");
                Assert.Equal((3 * Plane) - 3, values.Count(value => value == 0));
            }
        }

        Assert.Equal(2, Enumerable.Range(0, 2).Select(row => Values(batch.Condition[row])[0]).Distinct().Count());
    }

    [Property(MaxTest = 10)]
    public void A_network_is_given_the_same_condition_in_training_and_in_generating(int seed)
    {
        var condition = new ImageBuffer(Width, Height, 3);
        new Random(seed).NextBytes(condition.Samples);
        var trained = Values(Assemble(Options, (Pixels(), condition, "")).Condition);

        var options = new LoadOptions { Backend = _networks };
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), options);
        using var network = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), options);
        model.Generate("", [new ControlInput(network, condition)], new() { Steps = 1, Width = Width, Height = Height });
        Assert.Equal(trained, _networks.Conditions[^1].Values);
    }

    [Fact]
    public void Transparent_pixels_are_white()
    {
        // Black, and opaque only in the second pixel.
        var image = new ImageBuffer(Width, Height, 4);
        image.Samples[7] = 255;
        var condition = Values(Assemble(Options, (image, image, "")).Condition);
        var target = _networks.Images[0].Values;
        Assert.Equal((1f, 1f), (target[0], condition[0]));
        Assert.Equal((-1f, 0f), (target[1], condition[1]));
    }

    [Theory, InlineData("sd1", 0.18215), InlineData("sdxl", 0.13025)]
    public void Latents_are_the_posteriors_mean_times_the_scaling_factor(string family, double factor)
    {
        // A variance of e^-60 leaves the mean: 2 for the white image, -3 for the black one.
        _networks.Posterior = (image => image.Values[0] > 0 ? 2 : -3, -60);
        var (white, black) = (Pixels((0, 0, [255, 255, 255])), Pixels());
        var batch = Assemble(Options with { BatchSize = 2 }, family, (white, white, ""), (black, black, ""));
        Assert.Equal([2, 4, 1, 2], batch.Latents.shape);
        for (var row = 0; row < 2; row++)
        {
            // Images, conditions and latents stay together.
            var isWhite = Values(batch.Condition[row])[0] == 1;
            Close.Absolute(Enumerable.Repeat((isWhite ? 2 : -3) * factor, 8).ToArray(), Values(batch.Latents[row]), 1e-6, $"row {row}");
        }

        Assert.Equal(2, Enumerable.Range(0, 2).Select(row => Values(batch.Latents[row])[0]).Distinct().Count());
    }

    [Fact]
    public void Latents_are_drawn_from_the_posterior_with_noise_of_their_own()
    {
        // Mean 5, standard deviation e^(2.7726 / 2) = 4. Of the 8,192 draws left of each noise, mean and deviation are known to 5 / √8192 = 0.055.
        _networks.Posterior = (_ => 5, 2.7725887f);
        var black = new ImageBuffer(512, 256, 3);
        var batch = Assemble(Options with { BatchSize = 4, Width = 512, Height = 256 }, (black, black, ""));
        var draws = Enumerable.Range(0, 4).SelectMany(row => new[] { Values(batch.Latents[row] / 0.18215f / 4f - 1.25f), Values(batch.Noise[row]) }).ToArray();
        for (var i = 0; i < draws.Length; i++)
        {
            Close.Number(0, draws[i].Average(), 0.055, $"mean of draw {i}");
            Close.Number(1, draws[i].Average(value => value * value), 0.08, $"variance of draw {i}");
            for (var j = 0; j < i; j++)
                Close.Number(0, draws[i].Zip(draws[j], (a, b) => a * b).Average(), 0.055, $"correlation of draws {i} and {j}");
        }
    }

    [Theory, InlineData("sd1"), InlineData("sdxl")]
    public void A_dropped_prompt_has_the_embedding_of_the_empty_prompt_and_another_its_own(string family)
    {
        foreach (var (rate, prompt) in new[] { (1.0, ""), (0.0, "dark square") })
        {
            var text = Assemble(Options with { ProportionEmptyPrompts = rate }, family, (Pixels(), Pixels(), "dark square")).Text;
            var expected = Model(family).EncodeText(prompt);
            Assert.Equal(expected.Hidden.Values, Values(text.Text.Hidden));
            Assert.Equal(expected.Pooled?.Values, text.PooledText is { } pooled ? Values(pooled) : null);
        }

        Assert.NotEqual(Model(family).EncodeText("").Hidden.Values, Model(family).EncodeText("dark square").Hidden.Values);
    }

    [Theory, InlineData("sd1"), InlineData("sdxl")]
    public void A_batch_has_the_windows_of_its_longest_prompt(string family)
    {
        var longer = string.Join(' ', Enumerable.Repeat("a", 80));
        var (rows, options) = ((Pixels(), Pixels()), Options with { BatchSize = 2 });
        var text = Assemble(options, family, (rows.Item1, rows.Item2, longer), (rows.Item1, rows.Item2, "square")).Text;
        Assert.Equal([2, 154, 1], text.Text.Hidden.shape);
        float[] square = [.. Model(family).EncodeText("square").Hidden.Values, .. Model(family).EncodeText("").Hidden.Values];
        float[][] expected = [Model(family).EncodeText(longer).Hidden.Values, square];
        var first = Values(text.Text.Hidden[0]).SequenceEqual(square) ? 1 : 0;
        Assert.Equal(expected[first], Values(text.Text.Hidden[0]));
        Assert.Equal(expected[1 - first], Values(text.Text.Hidden[1]));

        text = Assemble(options with { LongPrompts = LongPrompts.Truncate }, family, (rows.Item1, rows.Item2, longer), (rows.Item1, rows.Item2, "square")).Text;
        Assert.Equal([2, 77, 1], text.Text.Hidden.shape);
        text = Assemble(Options with { PromptSyntax = PromptSyntax.Weighted }, family, (rows.Item1, rows.Item2, "a BREAK b")).Text;
        Assert.Equal([1, 154, 1], text.Text.Hidden.shape);
    }

    [Theory, InlineData("sd1"), InlineData("sdxl")]
    public void Cached_texts_are_of_one_way_to_read_prompts(string family)
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", family), new LoadOptions { Device = "cpu" });
        var prompt = "(dark:1.5) " + string.Join(' ', Enumerable.Repeat("a", 80));
        (PromptSyntax, LongPrompts)[] readings = [default, (PromptSyntax.Weighted, LongPrompts.Windows), (PromptSyntax.Plain, LongPrompts.Truncate)];
        foreach (var (syntax, longPrompts) in readings)
        {
            var expected = model.EncodeText(prompt, syntax: syntax, longPrompts: longPrompts);
            for (var runs = 1; runs >= 0; runs--)
            {
                var encoder = new RowEncoder(model, "", new EncodingCache(_folder.Path, 1 << 20), Width, Height, syntax, longPrompts);
                var text = encoder.Text(prompt);
                Assert.Equal(expected.Hidden.Values, text.Hidden.Values);
                Assert.Equal(expected.Hidden.Shape, text.Hidden.Shape);
                Assert.Equal(expected.Pooled?.Values, text.Pooled?.Values);
                Assert.Equal(runs, encoder.Runs);
            }
        }
    }

    [Property(MaxTest = 20)]
    public void Every_row_keeps_its_own_prompt_timestep_condition_and_noise(ushort seed)
    {
        string[] prompts = ["dark square", "bright square", "red apple", "square"];
        _networks.Posterior = (_ => 0, 0);
        var batch = Assemble(
            Options with { BatchSize = 8, ProportionEmptyPrompts = 0.5, Seed = seed },
            [.. prompts.Select((prompt, i) => (Pixels(), Pixels((0, 0, [(byte)(10 * (i + 1)), 0, 0])), prompt))]);
        var model = Model("sd1");
        List<int> seen = [];
        for (var i = 0; i < 8; i++)
        {
            var row = (int)Math.Round(Values(batch.Condition[i])[0] * 25.5) - 1;
            var draws = new SampleDraws(Seeds.Mix(seed, Seeds.Sample, i), 0.5, 1000);
            Assert.Equal(model.EncodeText(draws.DropsPrompt ? "" : prompts[row]).Hidden.Values, Values(batch.Text.Text.Hidden[i]));
            Assert.Equal(draws.Timestep, batch.Timesteps[i]);

            // First for the posterior, then ε: a row's numbers do not depend on the other rows of its batch.
            var (latents, noise) = (new float[8], new float[8]);
            draws.FillNormal(latents);
            draws.FillNormal(noise);
            Close.Absolute(Array.ConvertAll(latents, value => 0.18215 * value), Values(batch.Latents[i]), 1e-6, "latents");
            Assert.Equal(noise, Values(batch.Noise[i]));
            seen.Add(row);
        }

        var order = new EpochOrder(prompts.Length, seed);
        Assert.Equal(Enumerable.Range(0, 8).Select(i => (int)order[i]), seen);
    }

    [Property(MaxTest = 20)]
    public void Image_and_condition_are_cropped_and_flipped_alike(ushort seed)
    {
        // Columns count up by 8 in the image and by 5 in the condition, so that a crop shows its position.
        var batch = Assemble(Options with { Crop = CropMode.Random, RandomFlip = true, Seed = seed }, "sdxl", (Columns(8), Columns(5), ""));
        var draws = new SampleDraws(Seeds.Mix(seed, Seeds.Sample, 0), 0, 1000);
        var left = (int)(draws.Across * 17);
        var columns = Enumerable.Range(left, Width).Select(column => (double)column);
        double[] expected = [.. draws.Flip ? columns.Reverse() : columns];
        Close.Absolute(expected, _networks.Images[^1].Values.Take(Width).Select(value => (value + 1) * 127.5 / 8).ToArray(), 1e-4, "image");
        Close.Absolute(expected, Values(batch.Condition).Take(Width).Select(value => value * 255 / 5.0).ToArray(), 1e-4, "condition");

        // SDXL is conditioned on the file's height and width, the crop's top and left, and the training size.
        Assert.Equal([8, 32, 0, left, 8, 16], Values(batch.Text.TimeIds!));

        static ImageBuffer Columns(int step) => new(32, Height, 3, [.. Enumerable.Range(0, 32 * Height * 3).Select(i => (byte)(i / 3 % 32 * step))]);
    }

    [Fact]
    public void By_default_the_centre_is_cropped_and_nothing_is_flipped()
    {
        var image = new ImageBuffer(32, Height, 3);
        image.Row(0)[3 * 8] = 255;
        for (ulong seed = 0; seed < 8; seed++)
        {
            var condition = Values(Assemble(Options with { Seed = seed }, (image, image, "")).Condition);
            Assert.Equal((1f, 1f, 1), (_networks.Images[^1].Values[0], condition[0], condition.Count(value => value > 0)));
        }
    }

    private static TrainingOptions Options { get; } = new() { Folder = "run", BatchSize = 1, Width = Width, Height = Height, ProportionEmptyPrompts = 0 };

    private static ImageBuffer Pixels(params ReadOnlySpan<(int X, int Y, byte[] Levels)> planted)
    {
        var image = new ImageBuffer(Width, Height, 3);
        foreach (var (x, y, levels) in planted)
            levels.CopyTo(image.Row(y)[(3 * x)..]);
        return image;
    }

    private static float[] Pixel(float[] values, int x, int y) => [.. Enumerable.Range(0, 3).Select(channel => values[(channel * Plane) + (y * Width) + x])];

    private static float[] Values(Tensor tensor) => ControlGraph.Values(tensor.contiguous());

    private DiffusionModel Model(string family)
    {
        var model = DiffusionModel.Load(Fixtures.Path("models", family), new LoadOptions { Backend = _networks });
        _owned.Add(model);
        return model;
    }

    private TrainingBatch Assemble(TrainingOptions options, params ReadOnlySpan<(ImageBuffer Image, ImageBuffer Condition, string Prompt)> rows) =>
        Assemble(options, "sd1", rows);

    /// <summary>Writes the rows' files and assembles the first batch of a run on them.</summary>
    private TrainingBatch Assemble(
        TrainingOptions options, string family, params ReadOnlySpan<(ImageBuffer Image, ImageBuffer Condition, string Prompt)> rows)
    {
        List<string> lines = [];
        foreach (var (image, condition, prompt) in rows)
        {
            var (file, control) = ($"{lines.Count}.png", $"{lines.Count}-condition.png");
            ImageCodec.SavePng(_folder.File(file), image);
            ImageCodec.SavePng(_folder.File(control), condition);
            lines.Add(JsonSerializer.Serialize(new { file_name = file, conditioning_image = control, text = prompt }));
        }

        File.WriteAllLines(_folder.File("metadata.jsonl"), lines);
        var model = Model(family);
        var encoder = new RowEncoder(model, "", null, options.Width!.Value, options.Height!.Value, options.PromptSyntax, options.LongPrompts);
        using var reader = new RowReader(options.Width!.Value, options.Height!.Value, options.RandomFlip, options.Crop, null);
        using var loader = new BatchLoader(TrainingTable.Open(_folder.Path), reader, encoder, options, 1000, 0);
        return new BatchAssembler(encoder, new TorchDevice(CPU, ScalarType.Float32), model.Folder.Index.IsXL, keeps: false).Assemble(loader.Next());
    }
}
