using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Beginning from an image: what stays, what runs, what is refused.</summary>
public sealed class ImageInputTests(ImageInputTests.Models models) : IClassFixture<ImageInputTests.Models>
{
    private static readonly GenerateOptions Few = new() { Steps = 4, Guidance = 2, Seed = 3, Scheduler = "ddim" };

    [Property(MaxTest = 6)]
    public void What_the_mask_leaves_out_is_the_same_whatever_the_prompt(byte left, byte top)
    {
        var mask = new ImageBuffer(64, 64, 1);
        for (var y = top % 64; y < 64; y++)
            mask.Row(y)[(left % 64)..].Fill(byte.MaxValue);
        foreach (var strength in (double[])[0.6, 1])
        {
            var options = Few with { Image = new ImageInput(Image(64, 64)) { Mask = mask, Strength = strength } };
            var (apple, sky) = (models.Plain.Generate("apple", options).Latents, models.Plain.Generate("sky", options).Latents);
            for (var i = 0; i < apple.Count; i++)
            {
                var (x, y) = (i % 8 * 8, i / 8 % 8 * 8);
                if (mask.Row(y)[x] == 0)
                    Assert.Equal(BitConverter.SingleToInt32Bits(apple.Values[i]), BitConverter.SingleToInt32Bits(sky.Values[i]));
            }
        }
    }

    [Property(MaxTest = 10)]
    public void Strength_is_the_share_of_the_steps_that_run(byte steps, byte strength)
    {
        var (count, share) = ((steps % 6) + 1, strength / 255.0);
        var expected = count - Scheduler.FirstStep(count, share);
        var options = Few with { Steps = count, Image = new ImageInput(Image(64, 64)) { Strength = share } };
        if (expected == 0)
        {
            Assert.Contains("leaves none", Assert.Throws<ControlNetException>(() => models.Plain.Generate("", options)).Message, StringComparison.Ordinal);
            return;
        }

        var seen = 0;
        models.Plain.Generate("", options with { Progress = new Told(progress => seen = progress.Stage == "denoise" ? progress.Total : seen) });
        Assert.Equal(expected, seen);
    }

    [Fact]
    public void The_result_has_the_images_size_unless_another_is_asked_for()
    {
        var image = new ImageInput(Image(77, 50));
        var own = models.Plain.Generate("", Few with { Image = image });
        Assert.Equal((72, 48), (own.Image.Width, own.Image.Height));
        Assert.Equal("0.8", own.Provenance["image_strength"]);
        Assert.Equal(64, own.Provenance["image_pixels_sha256"].Length);
        var other = models.Plain.Generate("", Few with { Image = image, Width = 64, Height = 64 });
        Assert.Equal((64, 64), (other.Image.Width, other.Image.Height));
    }

    [Fact]
    public void An_image_is_the_same_alone_and_together_with_others()
    {
        GenerateRequest[] requests = [.. Enumerable.Range(0, 2).Select(i => new GenerateRequest("apple", [], Few with { Seed = (ulong)i, Image = new ImageInput(Image(64, 64)) }))];
        var together = models.Plain.GenerateBatch(requests);
        Close.Relative([.. models.Plain.Generate("apple", requests[1].Options).Latents.Values.Select(v => (double)v)], together[1].Latents.Values, 1e-4, "second image");

        GenerateRequest[] mixed = [requests[0], requests[1] with { Options = Few with { Image = requests[1].Options.Image! with { Strength = 0.5 } } }];
        Assert.Contains("one strength", Assert.Throws<ArgumentException>(() => models.Plain.GenerateBatch(mixed)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_depth_model_takes_depths_and_a_mask_beside()
    {
        var depth = new FloatMap(16, 16);
        for (var i = 0; i < depth.Values.Length; i++)
            depth.Values[i] = i % 16;
        var input = new ImageInput(Image(64, 64)) { Depth = depth };
        var plain = models.Depth.Generate("", Few with { Image = input });
        var flat = models.Depth.Generate("", Few with { Image = input with { Depth = new FloatMap(16, 16) } });
        Assert.NotEqual(plain.Latents.Values, flat.Latents.Values);
        Assert.All(flat.Latents.Values, value => Assert.True(float.IsFinite(value)));
        var mask = new ImageBuffer(64, 64, 1);
        Assert.NotEqual(plain.Latents.Values, models.Depth.Generate("", Few with { Image = input with { Mask = mask, Strength = 0.8 } }).Latents.Values);
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        var image = new ImageInput(Image(64, 64));
        Refused<ArgumentException>("Strength is 1.5, expected 0 to 1.", models.Plain, image with { Strength = 1.5 });
        Refused<ArgumentException>("Strength is NaN", models.Plain, image with { Strength = double.NaN });
        Refused<ArgumentException>("expected [1, 3, height, width]", models.Plain, new ImageInput(TensorData.Zeros(3, 64, 64)));
        Refused<ControlNetException>("has no depth input", models.Plain, image with { Depth = new FloatMap(8, 8) });
        Refused<ControlNetException>("an initial image with Depth", models.Depth, image);
        Refused<ControlNetException>("an initial image with Depth", models.Depth, null);
        Refused<ControlNetException>("with a Mask", models.Inpainting, image);
        var nan = new FloatMap(8, 8);
        nan.Values[5] = float.NaN;
        Refused<ControlNetException>("not finite", models.Depth, image with { Depth = nan });

        static void Refused<T>(string message, DiffusionModel model, ImageInput? image)
            where T : Exception =>
            Assert.Contains(message, Assert.Throws<T>(() => model.Generate("", Few with { Image = image })).Message, StringComparison.Ordinal);
    }

    private static ImageBuffer Image(int width, int height)
    {
        var striped = new ImageBuffer(width, height, 3);
        for (var i = 0; i < striped.Samples.Length; i++)
            striped.Samples[i] = (byte)(i * 37);
        return striped;
    }

    /// <summary>Tiny models of each kind.</summary>
    public sealed class Models : IDisposable
    {
        public Models()
        {
            Assert.SkipUnless(Fixtures.Has("models", "sd2-depth"), $"No models in {Fixtures.Root}.");
            (Plain, Inpainting, Depth) = (Load("sd1"), Load("sd1-inpaint"), Load("sd2-depth"));
        }

        public DiffusionModel Plain { get; }

        public DiffusionModel Inpainting { get; }

        public DiffusionModel Depth { get; }

        public void Dispose()
        {
            Plain.Dispose();
            Inpainting.Dispose();
            Depth.Dispose();
        }

        private static DiffusionModel Load(string name) => DiffusionModel.Load(Fixtures.Path("models", name), new LoadOptions { Device = "cpu" });
    }

    private sealed class Told(Action<GenerationProgress> tell) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => tell(value);
    }
}
