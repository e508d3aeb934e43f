using ControlNet.ML.Diffusion;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Guided predictions as they reach the sampler, and the inpainting put-back behind it: steps worked out by hand.</summary>
public class GuidedStepTests
{
    private const int Channels = 4;

    [Fact]
    public void The_sampler_is_given_the_guided_prediction()
    {
        // ε = 0.5 + 3 (1 - 0.5) = 2. From 3.32: x0 = (3.32 - 0.96 · 2) / 0.28 = 5; then 0.6 · 5 + 0.8 · 2 = 4.6, 0.8 · 5 + 0.6 · 2 = 5.2, and 5.
        var row = Row(noise: 3.32f) with { Guidance = 3, NegativeText = Text(0.5f, 0.5f), Text = Text(1, 1) };
        Same([4.6, 5.2, 5], row);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(0.5, 1.5)]
    [InlineData(1, 1)]
    public void Rescaling_goes_towards_the_conditional_predictions_deviation(double rescale, double predicted)
    {
        // ε_u, ε_c and ε are ∓0.5, ∓1 and ∓2: their deviations are as 1 to 2 to 4.
        var row = Row(noise: 0) with { Guidance = 3, GuidanceRescale = rescale, NegativeText = Text(-0.5f, 0.5f), Text = Text(-1, 1) };
        var latents = new PlantedPredictions().Run(PlantedPredictions.ThreeSteps("DDIMScheduler"), row)[2][0];

        // From noise 0: x0 = -0.96 ε / 0.28.
        Close.Absolute<double, float>([0.96 / 0.28 * predicted, -0.96 / 0.28 * predicted], latents.AsSpan(0, 2), 1e-5, "latents");
    }

    [Fact]
    public void Without_guidance_the_conditional_prediction_is_taken_as_it_is() =>
        Same([4.6, 5.2, 5], Row(noise: 3.32f) with { Guidance = 1, GuidanceRescale = 0.7, NegativeText = Text(9, 9), Text = Text(2, 2) });

    [Fact]
    public void The_first_latents_are_noise_as_large_as_the_sampler_has_it()
    {
        // EulerDiscrete with linspace timesteps begins at its largest σ, 24/7, and divides by √(σ² + 1) = 25/7.
        var networks = new PlantedPredictions();
        networks.Run(PlantedPredictions.ThreeSteps("EulerDiscreteScheduler"), Row(noise: 1));
        Close.Absolute(Enumerable.Repeat(24 / 25.0, 2 * Channels).ToArray(), networks.Samples[0], 1e-6, "first input");
    }

    [Theory]
    [InlineData("DDIMScheduler", 6.8, 8.6)]
    [InlineData("EulerDiscreteScheduler", 10 + (4 / 3.0), 10.75)]
    public void What_the_mask_leaves_is_put_back_with_the_noise_of_the_next_step_and_exactly_after_the_last(string sampler, double first, double second)
    {
        // 0.6 · 10 + 0.8 · 1 and 0.8 · 10 + 0.6 · 1, or 10 + σ.
        var scheduler = PlantedPredictions.ThreeSteps(sampler);
        var free = Row(noise: 1);
        var masked = free with { Image = Image(10) with { BeginsFromNoise = true, Mask = Mask(0, 1) } };
        var (alone, steps) = (new PlantedPredictions().Run(scheduler, free), new PlantedPredictions().Run(scheduler, masked));
        double[] kept = [first, second, 10];
        for (var step = 0; step < 3; step++)
        {
            for (var i = 0; i < 2 * Channels; i++)
                Close.Number(i % 2 == 0 ? kept[step] : alone[step][0][i], steps[step][0][i], 1e-5, $"value {i} after step {step}");
        }

        Assert.All(Enumerable.Range(0, Channels), channel => Assert.Equal(10, steps[2][0][2 * channel]));
    }

    [Fact]
    public void A_grey_mask_blends()
    {
        // ε = 2 and x0 = 5 as above, but after each step a quarter of the latents is what was put back: 0.75 x + 0.25 (6.8, 8.6, 10) with noise 1 for 3.32.
        // 0: 0.75 · 4.6 + 0.25 (6 + 0.8 · 3.32) = 5.614
        // 1: x0 = (5.614 - 1.6) / 0.6 = 6.69, 0.8 x0 + 1.2 = 6.552; 0.75 · 6.552 + 0.25 (8 + 0.6 · 3.32) = 7.412
        // 2: x0 = (7.412 - 1.2) / 0.8 = 7.765; 0.75 · 7.765 + 2.5 = 8.32375
        Same([5.614, 7.412, 8.32375], Row(noise: 3.32f) with { Text = Text(2, 2), Image = Image(10) with { BeginsFromNoise = true, Mask = Mask(0.75f, 0.75f) } });
    }

    [Fact]
    public void An_image_is_begun_from_with_the_noise_of_the_first_step_that_runs()
    {
        // Two of three steps: 0.6 · 10 + 0.8 · 1 = 6.8 goes in. With the noise as prediction x0 is 10 at once: 0.8 · 10 + 0.6 and 10.
        var networks = new PlantedPredictions();
        var row = Row(noise: 1) with { Text = Text(1, 1), Image = Image(10) with { Strength = 0.7 } };
        var steps = networks.Run(PlantedPredictions.ThreeSteps("DDIMScheduler"), row);
        Close.Absolute(Enumerable.Repeat(6.8, 2 * Channels).ToArray(), networks.Samples[0], 1e-5, "first input");
        Assert.Equal(2, steps.Count);
        Close.Absolute(Enumerable.Repeat(8.6, 2 * Channels).ToArray(), steps[0][0], 1e-5, "after the first step");
        Close.Absolute(Enumerable.Repeat(10.0, 2 * Channels).ToArray(), steps[1][0], 1e-5, "after the last step");

        // The first put-back is then at the noise of the last timestep.
        steps = networks.Run(PlantedPredictions.ThreeSteps("DDIMScheduler"), row with { Text = Text(7, 7), Image = row.Image with { Mask = Mask(0, 0) } });
        Close.Absolute(Enumerable.Repeat(8.6, 2 * Channels).ToArray(), steps[0][0], 1e-5, "put back");
    }

    [Property(MaxTest = 30)]
    public void Rows_are_guided_and_put_back_by_their_own_settings(sbyte[] settings)
    {
        var rows = settings.Take(5).Append<sbyte>(3).Select((setting, i) => Row(noise: setting / 16f) with
        {
            Guidance = 1 + Math.Abs(setting % 4),
            GuidanceRescale = setting % 2 == 0 ? 0 : 0.5,
            NegativeText = Text(setting / 64f, -1),
            Text = Text(1, i),
            Image = Image(setting) with { Mask = setting % 3 == 0 ? null : Mask(setting % 5 == 0 ? 0 : 1, 0.5f), Strength = 0.7 },
        }).ToArray();
        var scheduler = PlantedPredictions.ThreeSteps("DDIMScheduler");
        var together = new PlantedPredictions().Run(scheduler, rows);
        for (var i = 0; i < rows.Length; i++)
            Assert.Equal(new PlantedPredictions().Run(scheduler, rows[i])[1][0], together[1][i]);
    }

    private static void Same(double[] expected, DenoisingRow row)
    {
        var steps = new PlantedPredictions().Run(PlantedPredictions.ThreeSteps("DDIMScheduler"), row);
        for (var step = 0; step < 3; step++)
            Close.Absolute(Enumerable.Repeat(expected[step], 2 * Channels).ToArray(), steps[step][0], 1e-5, $"latents after step {step}");
    }

    /// <summary>Latents of two columns.</summary>
    private static DenoisingRow Row(float noise) => new()
    {
        Noise = Latents(noise, noise),
        Text = Text(0.25f, 0.5f),
        Guidance = 1,
        NoiseSource = new TorchRandom(0),
    };

    private static RowImage Image(float value) => new(Latents(value, value), 1);

    private static TensorData Mask(float left, float right) => new([left, right], 1, 1, 1, 2);

    private static TensorData Latents(float left, float right) => new([.. Enumerable.Range(0, Channels).SelectMany(_ => new[] { left, right })], 1, Channels, 1, 2);

    private static TextEmbedding Text(float left, float right) => new(Latents(left, right), null);
}
