using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

public sealed class SchedulerTests
{
    public static TheoryData<string> Names => [.. SchedulerCatalog.Names];

    [Property]
    public void Every_sampler_has_finite_descending_timesteps_of_the_right_number(byte name, byte steps, byte spacing)
    {
        var sampler = SchedulerCatalog.Names[name % SchedulerCatalog.Names.Count];
        var count = 1 + (steps % (sampler is "lcm" or "tcd" ? 50 : 120));
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = spacing % 2 == 0 ? "leading" : "linspace" }, sampler);
        var scheduler = Scheduler.Create(config, count);
        var expected = scheduler switch
        {
            HeunDiscrete or MidpointScheduler => (2 * count) - 1,
            Pndm when count > 1 => count + 1,
            _ => count,
        };
        Assert.Equal(expected, scheduler.Count);
        Assert.All(scheduler.Timesteps, timestep => Assert.True(double.IsFinite(timestep) && timestep >= 0 && timestep < 1000));

        // The ancestral DPM2 pauses at the very noise level that it goes to next, so the timestep there is the next one up to rounding. With
        // Karras' noise levels DPM2 rounds the timesteps to whole ones, but not those in between, as diffusers does.
        var rounding = scheduler is MidpointScheduler && config.UseKarrasSigmas ? 0.5 : 1e-3;
        Assert.All(scheduler.Timesteps.Zip(scheduler.Timesteps.Skip(1)), pair => Assert.True(pair.Second <= pair.First + rounding, $"{sampler}, {count}: {pair}"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_network_that_knows_the_answer_is_led_to_it_from_pure_noise(string name)
    {
        // The network sees x = x_0 + σ ε, scaled, and says which ε is in it, for the one true x_0.
        var scheduler = Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, name), 12);
        var schedule = NoiseSchedule.Create(scheduler.Config);
        float[] answer = [0.5f, -1, 0.25f, 2, 0, -0.125f];
        var (sample, output) = (new float[answer.Length], new float[answer.Length]);
        var random = new TorchRandom(5);
        random.FillNormal(sample);
        for (var i = 0; i < sample.Length; i++)
            sample[i] *= (float)scheduler.InitNoiseSigma;
        for (var step = 0; step < scheduler.Count; step++)
        {
            var t = scheduler.Timesteps[step];
            var below = (int)Math.Min(t, 998);
            var ratio = Ratio(below) + ((t - below) * (Ratio(below + 1) - Ratio(below)));
            var alpha = 1 / Math.Sqrt(1 + (ratio * ratio));
            scheduler.ScaleModelInput(sample, step, output);
            for (var i = 0; i < sample.Length; i++)
                output[i] = (float)((output[i] - (alpha * answer[i])) / (ratio * alpha));
            scheduler.Step(output, step, sample, random);
        }

        // Samplers that stop at the noise of timestep 0 leave it in; those that place noise levels between timesteps miss by a little.
        Assert.All(answer.Zip(sample), pair => Assert.Equal(pair.First, pair.Second, 0.15));

        double Ratio(int t) => Math.Sqrt((1 - schedule.AlphasCumprod[t]) / schedule.AlphasCumprod[t]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_in_one_span_go_the_same_way_as_alone(string name)
    {
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, name) with { Thresholding = true, SampleMaxValue = 1.5 };
        var together = Run(config, [1, -2, 3, 0.5f, 40, -50, 60, 7], 2);
        var alone = Run(config, [1, -2, 3, 0.5f], 1).Concat(Run(config, [40, -50, 60, 7], 1));
        Assert.Equal(alone, together);

        static float[] Run(SchedulerConfig config, float[] sample, int rows)
        {
            var scheduler = Scheduler.Create(config, 6, new SchedulerOptions { Rows = rows });
            var output = new float[sample.Length];
            for (var step = 0; step < scheduler.Count; step++)
            {
                scheduler.ScaleModelInput(sample, step, output);
                scheduler.Step(output, step, sample, new Ones());
            }

            return sample;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Steps_after_the_first_allocate_nothing(string name)
    {
        var scheduler = Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, name), 8);
        var (sample, output, noise) = (new float[64], new float[64], new Ones());
        sample.AsSpan().Fill(1);
        var allocated = 0L;
        for (var step = 0; step < scheduler.Count; step++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            scheduler.ScaleModelInput(sample, step, output);
            scheduler.Step(output, step, sample, noise);
            if (step > 1)
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Ddim_with_eta_0_needs_no_noise_and_with_eta_1_it_does()
    {
        var sample = new float[4];
        Scheduler.Create(SchedulerConfigs.StableDiffusion, 3).Step([1, 2, 3, 4], 0, sample);
        Assert.NotEqual(0, sample[0]);
        Assert.Throws<ArgumentNullException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, 3, new SchedulerOptions { Eta = 1 }).Step([1, 2, 3, 4], 0, sample));
    }

    [Fact]
    public void Steps_run_once_and_in_order()
    {
        var scheduler = Scheduler.Create(SchedulerConfigs.StableDiffusion, 2);
        var sample = new float[2];
        Assert.Throws<InvalidOperationException>(() => scheduler.Step([1, 1], 1, sample));
        scheduler.Step([1, 1], 0, sample);
        Assert.Throws<InvalidOperationException>(() => scheduler.Step([1, 1], 0, sample));
        Assert.Throws<ArgumentException>(() => scheduler.Step([1, 1, 1], 1, new float[3]));
        scheduler.Step([1, 1], 1, sample);
        Assert.Throws<InvalidOperationException>(() => scheduler.Step([1, 1], 2, sample));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(1001)]
    public void Numbers_of_steps_that_cannot_be_taken_are_refused(int steps) =>
        Assert.Contains("expected 1 to 1000", Assert.Throws<ControlNetException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, steps)).Message);

    [Fact]
    public void Options_that_the_sampler_does_not_have_or_that_exclude_each_other_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, 3, new SchedulerOptions { Churn = 1 }));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, 3, new SchedulerOptions { Strength = 0.5, Begin = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, 3, new SchedulerOptions { Strength = 1.5 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion, 3, new SchedulerOptions { Begin = -1 }));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion.SwitchTo("HeunDiscreteScheduler"), 3, new SchedulerOptions { Begin = 1 }));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion.SwitchTo("DDPMScheduler"), 2, new SchedulerOptions { Timesteps = [5, 7] }));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(SchedulerConfigs.StableDiffusion.SwitchTo("EulerDiscreteScheduler"), 2, new SchedulerOptions { Sigmas = [5, 7, 0] }));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_strength_that_leaves_no_step_is_refused(string name) =>
        Assert.Contains("strength of 0.05", Assert.Throws<ControlNetException>(
            () => Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, name), 10, new SchedulerOptions { Strength = 0.05 })).Message);

    [Fact]
    public void Beta_spacing_goes_from_end_to_end_by_quantiles_of_the_beta_distribution()
    {
        var scheduler = (LambdaScheduler)Scheduler.Create(SchedulerConfigs.StableDiffusion.SwitchTo("DPMSolverMultistepScheduler") with { UseBetaSigmas = true }, 9);
        var (most, least) = (scheduler.Sigmas[0], scheduler.Sigmas[8]);
        Assert.Equal(14.6146, most, 1e-3);
        Assert.Equal(0.02917, least, 1e-4);

        // Beta(0.6, 0.6) is symmetrical, and its density has poles at both ends: most levels lie there.
        Assert.Equal((most + least) / 2, scheduler.Sigmas[4], 1e-4);
        for (var i = 1; i < 8; i++)
        {
            var x = (scheduler.Sigmas[i] - least) / (most - least);
            Assert.Equal(1 - (i / 8.0), Distribution(x), 1e-4);
        }

        // ∫ (u (1 - u))^-0.4 du over 0 … x, by the midpoint rule after u = sin² θ, over the same to 1.
        static double Distribution(double x) => Integral(Math.Asin(Math.Sqrt(x))) / Integral(Math.PI / 2);

        static double Integral(double to)
        {
            const int Parts = 200_000;
            var sum = 0.0;
            for (var i = 0; i < Parts; i++)
                sum += Math.Pow(Math.Sin((i + 0.5) * to / Parts) * Math.Cos((i + 0.5) * to / Parts), 0.2);
            return sum * to / Parts;
        }
    }

    [Fact]
    public void Names_of_the_command_line_are_described_and_unknown_ones_listed_with_what_there_is()
    {
        Assert.Contains("ddim", SchedulerCatalog.Names);
        Assert.All(SchedulerCatalog.Names, name => Assert.NotEmpty(SchedulerCatalog.Describe(name)));
        Assert.Contains("dpmpp-2m-karras", Assert.Throws<ControlNetException>(() => SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, "evil")).Message);
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, "dpmpp-2m-sde-karras");
        Assert.Equal(("sde-dpmsolver++", true, 0.012), (config.AlgorithmType, config.UseKarrasSigmas, config.BetaEnd));
    }

    private sealed class Ones : INoiseSource
    {
        public void FillNormal(Span<float> values) => values.Fill(1);
    }
}
