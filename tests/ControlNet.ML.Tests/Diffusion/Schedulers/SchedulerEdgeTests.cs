using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Distillation schedules by hand, orders of solvers by what they are exact for, and configurations that come to nothing.</summary>
public sealed class SchedulerEdgeTests
{
    [Fact]
    public void Lcm_takes_its_timesteps_from_the_share_of_the_schedule_it_was_distilled_on()
    {
        Assert.Equal([999, 799, 599, 399, 199], Create("LCMScheduler", 5, new()).Timesteps);

        // 25 of its 50 timesteps, 20 apart, up to 499; every fifth.
        Assert.Equal([499, 399, 299, 199, 99], Create("LCMScheduler", 5, new() { OriginalStrength = 0.5 }).Timesteps);
        Assert.Equal([400, 200], Create("LCMScheduler", 4, new() { Timesteps = [800, 600, 400, 200], OriginalStrength = 0.5 }).Timesteps);
        Assert.Equal(25, Create("LCMScheduler", 25, new() { OriginalStrength = 0.5 }).Count);
        Refused("expected at most 25", () => Create("LCMScheduler", 26, new() { OriginalStrength = 0.5 }));
        Refused("expected at most 50", () => Create("LCMScheduler", 51, new()));
        Refused("expected no more than those", () => Create("LCMScheduler", 4, new() { OriginalInferenceSteps = 1001 }));
    }

    [Fact]
    public void Tcd_takes_them_from_all_training_timesteps_where_the_schedule_is_said()
    {
        Assert.Equal([999, 749, 499, 249], Create("TCDScheduler", 4, new() { OriginalInferenceSteps = 50 }).Timesteps);
        Assert.Equal([499, 374, 249, 124], Create("TCDScheduler", 4, new() { OriginalInferenceSteps = 50, OriginalStrength = 0.5 }).Timesteps);
        Assert.Equal([999, 759, 499, 259], Create("TCDScheduler", 4, new()).Timesteps);
    }

    [Fact]
    public void A_third_order_step_is_exact_where_the_prediction_is_a_parabola_of_the_log_snr()
    {
        var config = SchedulerConfig.Default("DPMSolverSinglestepScheduler") with
        {
            SolverOrder = 3,
            SolverType = "heun",
            PredictionType = PredictionType.Sample,
            LowerOrderFinal = false,
            FinalSigmasType = "sigma_min",
        };
        var scheduler = (LambdaScheduler)Scheduler.Create(config, 3);
        var ratios = scheduler.Sigmas.ToArray().Select(ratio => (double)ratio).ToArray();
        var sample = new[] { 0.5f };
        for (var step = 0; step < 3; step++)
            scheduler.Step([(float)Math.Pow(Math.Log(ratios[step]), 2)], step, sample);

        // x_t = σ_t / σ_s x_s + σ_t ∫ e^λ λ² dλ (Lu et al., 2022b, equation 8), λ = -ln of the ratio, with σ = ratio / √(1 + ratio²)
        static double Sigma(double ratio) => ratio / Math.Sqrt(1 + (ratio * ratio));
        static double Integral(double lambda) => Math.Exp(lambda) * ((lambda * lambda) - (2 * lambda) + 2);
        var (from, to) = (ratios[0], ratios[3]);
        var expected = (Sigma(to) / Sigma(from) * 0.5) + (Sigma(to) * (Integral(-Math.Log(to)) - Integral(-Math.Log(from))));
        Assert.Equal(expected, sample[0], 1e-4 * Math.Abs(expected));
    }

    [Theory]
    [InlineData("DPMSolverMultistepScheduler", 14, true)]
    [InlineData("DPMSolverMultistepScheduler", 15, false)]
    [InlineData("DEISMultistepScheduler", 14, true)]
    [InlineData("DEISMultistepScheduler", 15, false)]
    public void Fewer_than_15_steps_end_in_a_lower_order(string scheduler, int steps, bool differs)
    {
        var config = SchedulerConfig.Default(scheduler) with { FinalSigmasType = "sigma_min" };
        Assert.Equal(differs, Run(config, steps) != Run(config with { LowerOrderFinal = false }, steps));

        static float Run(SchedulerConfig config, int steps)
        {
            var sampler = Scheduler.Create(config, steps);
            var sample = new[] { 1f };
            for (var step = 0; step < steps; step++)
                sampler.Step([(float)Math.Sin(step)], step, sample);
            return sample[0];
        }
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    public void Deis_ends_in_the_least_level_of_its_spacing(bool karras, bool exponential, bool beta)
    {
        var config = SchedulerConfig.Default("DEISMultistepScheduler") with { UseKarrasSigmas = karras, UseExponentialSigmas = exponential, UseBetaSigmas = beta, SigmaMin = 0.5 };
        var sigmas = ((LambdaScheduler)Scheduler.Create(config, 5)).Sigmas;
        Assert.Equal(0.5f, sigmas[^2], 1e-6f);
        Assert.Equal(sigmas[^2], sigmas[^1]);
    }

    [Fact]
    public void Fewer_timesteps_are_used_where_the_noisiest_are_clipped()
    {
        var config = SchedulerConfig.Default("DPMSolverMultistepScheduler") with { LambdaMinClipped = 0, TimestepSpacing = "trailing" };
        var schedule = NoiseSchedule.Create(config);

        // λ = 0 is a signal-to-noise ratio of 1.
        var last = Enumerable.Range(0, 1000).Last(timestep => schedule.Snr(timestep) > 1);
        Assert.Equal(last, Scheduler.Create(config, 5).Timesteps[0]);
    }

    [Fact]
    public void Pndm_without_its_short_start_needs_four_steps_from_the_first_on()
    {
        var config = SchedulerConfig.Default("PNDMScheduler") with { SkipPrkSteps = false };
        Refused("3 steps, expected at least 4 steps", () => Scheduler.Create(config, 3));
        Assert.Equal(13, Scheduler.Create(config, 4).Count);
        Refused("a start at timestep 1 of the schedule", () => Scheduler.Create(config, 4, new SchedulerOptions { Begin = 1 }));
    }

    [Fact]
    public void Configurations_that_come_to_nothing_are_refused()
    {
        var dpm = SchedulerConfig.Default("DPMSolverMultistepScheduler");
        Refused("'solver_order' is 3", () => Scheduler.Create(dpm with { AlgorithmType = "sde-dpmsolver", SolverOrder = 3, FinalSigmasType = "sigma_min" }, 5));
        Refused("the noise level of timestep 0 is 0", () => Scheduler.Create(dpm with { NumTrainTimesteps = 2, TrainedBetas = [0, 0.5] }, 1));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(dpm with { UseKarrasSigmas = true }, 2, new SchedulerOptions { Timesteps = [5, 1] }));
        var euler = SchedulerConfig.Default("EulerDiscreteScheduler");
        Assert.Throws<ArgumentException>(() => Scheduler.Create(euler with { UseBetaSigmas = true }, 2, new SchedulerOptions { Timesteps = [5, 1] }));
        Assert.Throws<ArgumentException>(() => Scheduler.Create(
            euler with { TimestepType = "continuous", PredictionType = PredictionType.Velocity }, 2, new SchedulerOptions { Timesteps = [5, 1] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Scheduler.FirstStep(5, 1.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => Scheduler.FirstStep(5, -0.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => Scheduler.FirstStep(-1, 0.5));
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void Numbers_that_json_lacks_are_written_as_bare_words(double value, string word) => Assert.Contains(
        $"\"lambda_min_clipped\": {word}", (SchedulerConfig.Default("DPMSolverMultistepScheduler") with { LambdaMinClipped = value }).ToJson(), StringComparison.Ordinal);

    private static void Refused(string says, Action create) => Assert.Contains(says, Assert.Throws<ControlNetException>(create).Message, StringComparison.Ordinal);

    private static Scheduler Create(string scheduler, int steps, SchedulerOptions options) => Scheduler.Create(SchedulerConfig.Default(scheduler), steps, options);
}
