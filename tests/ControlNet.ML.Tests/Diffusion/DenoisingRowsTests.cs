using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What of a row reaches the networks and its sampler, and which rows cannot run together.</summary>
public sealed class DenoisingRowsTests
{
    private static readonly UNetConfig UNet = UNetConfig.StableDiffusion15 with { InChannels = 1, OutChannels = 1 };
    private static readonly SchedulerConfig Euler = SchedulerConfig.Default("EulerDiscreteScheduler");

    [Fact]
    public void The_networks_see_the_noise_at_the_samplers_scale()
    {
        var row = Row(1);
        var scheduler = Scheduler.Create(Euler, 4);
        var expected = row.Noise.Values.Select(value => value * (float)scheduler.InitNoiseSigma).ToArray();
        scheduler.ScaleModelInput(expected, 0, expected);
        Assert.Equal(expected, Run(Euler, row).Samples[0]);
    }

    [Fact]
    public void Each_step_is_the_samplers_own_on_what_the_networks_predicted()
    {
        var row = Row(1);
        var scheduler = Scheduler.Create(Euler, 4);
        var sample = row.Noise.Values.Select(value => value * (float)scheduler.InitNoiseSigma).ToArray();
        var scaled = new float[sample.Length];
        for (var step = 0; step < 4; step++)
        {
            scheduler.ScaleModelInput(sample, step, scaled);
            scheduler.Step(scaled.Select(value => 0.5f * value).ToArray(), step, sample);
        }

        Assert.Equal(sample, new DenoisingLoop(new Echo(), UNet).Run([row], Euler, 4).Last().Latents[0].Values);
    }

    [Fact]
    public void Eta_reaches_the_sampler_of_its_row_alone()
    {
        var ddim = SchedulerConfig.Default("DDIMScheduler");
        var loop = new DenoisingLoop(new Echo(), UNet);
        var latents = loop.Run([Row(1), Row(1) with { Eta = 1 }], ddim, 4).Last().Latents;
        Assert.Equal(loop.Run([Row(1)], ddim, 4).Last().Latents[0].Values, latents[0].Values);
        Assert.NotEqual(latents[0].Values, latents[1].Values);
        var sampler = Scheduler.Create(ddim, 4, new SchedulerOptions { Eta = 1 });
        var (sample, random) = (Row(1).Noise.Values, new TorchRandom(0));
        for (var step = 0; step < 4; step++)
            sampler.Step(sample.Select(value => 0.5f * value).ToArray(), step, sample, random);
        Assert.Equal(sample, latents[1].Values);
    }

    [Fact]
    public void Pooled_texts_sizes_and_what_stands_beside_the_latents_are_stacked_half_by_half()
    {
        var rows = new[] { Full(1), Full(2) };
        var inputs = Run(Euler, rows).Inputs!;
        Assert.Equal([-1, -2, 1, 2], inputs.Text.Values);
        Assert.Equal([-10, -20, 10, 20], inputs.PooledText!.Values);
        Assert.Equal([4, 6], inputs.TimeIds!.Shape.ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7], inputs.TimeIds.Values);
        Assert.Equal([4, 1, 2, 2], inputs.ExtraChannels!.Shape.ToArray());
        Assert.Equal([1, 2, 1, 2], Enumerable.Range(0, 4).Select(r => inputs.ExtraChannels.Row(r)[3]));
        Assert.Null(inputs.GuidanceCondition);

        var plain = Run(Euler, Row(1)).Inputs!;
        Assert.Null(plain.PooledText);
        Assert.Null(plain.TimeIds);
        Assert.Null(plain.ExtraChannels);

        static DenoisingRow Full(int value) => Row(value) with
        {
            Guidance = 3,
            Text = new TextEmbedding(new TensorData([value], 1, 1, 1), new TensorData([10 * value], 1, 1)),
            NegativeText = new TextEmbedding(new TensorData([-value], 1, 1, 1), new TensorData([-10 * value], 1, 1)),
            TimeIds = [.. Enumerable.Range(value, 6)],
            ExtraChannels = new TensorData([value, value, value, value], 1, 1, 2, 2),
        };
    }

    [Fact]
    public void The_texts_of_a_run_have_one_number_of_tokens()
    {
        var longer = new TextEmbedding(TensorData.Zeros(1, 2, 1), null);
        var error = Assert.Throws<ArgumentException>(() => Run(Euler, Row(1), Row(2) with { Text = longer, NegativeText = longer }));
        Assert.StartsWith("Images of one run have one number of text tokens: found 1 and 2", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentException>(() => Run(Euler, Row(1) with { NegativeText = longer }));
        Assert.StartsWith("The negative prompt has 2 tokens, expected 1, as the prompt.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_to_begin_from_gets_the_noise_of_its_first_step()
    {
        var image = new TensorData([5, 6, 7, 8], 1, 1, 2, 2);
        var row = Row(1) with { Image = new RowImage(image, 0.5) };
        var echo = Run(Euler, row);
        var scheduler = Scheduler.Create(Euler, 4, new SchedulerOptions { Strength = 0.5 });
        var expected = new float[4];
        scheduler.AddNoise(image.Values, row.Noise.Values, 0, expected);
        scheduler.ScaleModelInput(expected, 0, expected);
        Assert.Equal(2, echo.Samples.Count);
        Assert.Equal(expected, echo.Samples[0]);
        var scratch = Run(Euler, row with { Image = new RowImage(image, 1) { BeginsFromNoise = true } });
        Assert.Equal(Run(Euler, Row(1)).Samples[0], scratch.Samples[0]);
    }

    [Fact]
    public void Guidance_without_a_negative_prompt_is_an_error() =>
        Assert.Throws<InvalidOperationException>(() => Run(Euler, Row(1) with { Guidance = 2, NegativeText = null }));

    [Fact]
    public void Rows_that_cannot_run_together_are_refused()
    {
        var loop = new DenoisingLoop(new Echo(), UNet);
        Assert.Throws<ArgumentNullException>(() => loop.Run(null!, Euler, 4).Count());
        Refused("No image");
        Refused("expected a finite number", Row(1) with { Guidance = double.NaN });
        Refused("expected a finite number", Row(1) with { Guidance = double.PositiveInfinity });
        Refused("have one size", Row(1), Row(1) with { Noise = TensorData.Zeros(1, 1, 2, 3) });
        var image = new RowImage(TensorData.Zeros(1, 1, 2, 2), 0.5);
        Refused("one strength", Row(1), Row(1) with { Image = image });
        Refused("one strength", Row(1) with { Image = image with { Strength = 0.75 } }, Row(1) with { Image = image });
        Refused("extra channels for the UNet", Row(1), Row(1) with { ExtraChannels = TensorData.Zeros(1, 1, 2, 2) });
        Refused("window", Row(1) with { Controls = [new RowControl(new Nothing(), TensorData.Zeros(1, 1, 2, 2), new ControlUnit { Start = 2 })] });

        void Refused(string says, params DenoisingRow[] rows) =>
            Assert.Contains(says, Assert.Throws<ArgumentException>(() => loop.Run(rows, Euler, 4).Count()).Message, StringComparison.Ordinal);
    }

    private static Echo Run(SchedulerConfig scheduler, params DenoisingRow[] rows)
    {
        var echo = new Echo();
        foreach (var step in new DenoisingLoop(echo, UNet).Run(rows, scheduler, 4))
            Assert.Equal(rows.Length, step.Latents.Count);
        return echo;
    }

    private static DenoisingRow Row(int seed)
    {
        var noise = TensorData.Zeros(1, 1, 2, 2);
        new TorchRandom((ulong)seed).FillNormal(noise.Values);
        return new()
        {
            Noise = noise,
            Text = new TextEmbedding(new TensorData([1f], 1, 1, 1), null),
            Guidance = 1,
            NoiseSource = new TorchRandom(0),
        };
    }

    /// <summary>Networks that predict half of what they see, and keep what they saw.</summary>
    private sealed class Echo : IDiffusionBackend, IDenoiser
    {
        public string Description => "echo";

        public List<float[]> Samples { get; } = [];

        public DenoiserInputs? Inputs { get; private set; }

        public IDenoiser CreateDenoiser(DenoiserInputs inputs)
        {
            Inputs = inputs;
            return this;
        }

        public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
        {
            Samples.Add([.. sample.Values]);
            for (var r = 0; r < sample.Shape[0]; r++)
            {
                for (var i = 0; i < sample.Row(r).Length; i++)
                    prediction.Row(r)[i] = 0.5f * sample.Row(r)[i];
            }
        }

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip) => throw new InvalidOperationException();

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => throw new InvalidOperationException();

        public TensorData DecodeImage(TensorData latents) => throw new InvalidOperationException();

        public void Dispose()
        {
        }
    }

    private sealed class Nothing : IControlBackend
    {
        public ControlNetConfig Config => ControlNetConfig.StableDiffusion15;

        public TensorData EncodeCondition(TensorData condition) => throw new InvalidOperationException();

        public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint) => throw new InvalidOperationException();

        public void Dispose()
        {
        }
    }
}
