using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>What a run may ask of a sampler: at the ends of the ranges, beyond them, and of samplers that do not take it.</summary>
public sealed class SchedulerOptionsTests
{
    public static TheoryData<string, SchedulerOptions> NotTaken => new()
    {
        { nameof(SchedulerOptions.Timesteps), new() { Timesteps = [9, 5, 1] } },
        { nameof(SchedulerOptions.Sigmas), new() { Sigmas = [9, 5, 1, 0] } },
        { nameof(SchedulerOptions.Eta), new() { Eta = 0 } },
        { nameof(SchedulerOptions.UseClippedModelOutput), new() { UseClippedModelOutput = true } },
        { nameof(SchedulerOptions.Churn), new() { Churn = 1 } },
        { nameof(SchedulerOptions.ChurnFrom), new() { ChurnFrom = 1 } },
        { nameof(SchedulerOptions.ChurnTo), new() { ChurnTo = 1 } },
        { nameof(SchedulerOptions.ChurnNoise), new() { ChurnNoise = 1 } },
        { nameof(SchedulerOptions.Order), new() { Order = 1 } },
        { nameof(SchedulerOptions.OrderOfWholeSchedule), new() { OrderOfWholeSchedule = true } },
        { nameof(SchedulerOptions.OriginalInferenceSteps), new() { OriginalInferenceSteps = 9 } },
        { nameof(SchedulerOptions.OriginalStrength), new() { OriginalStrength = 1 } },
    };

    [Theory]
    [MemberData(nameof(NotTaken))]
    public void An_option_of_another_sampler_is_refused_by_name(string name, SchedulerOptions options) => Assert.Contains(
        $"PNDMScheduler takes no option {name}", Assert.Throws<ArgumentException>(() => Create("PNDMScheduler", options)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0.0, 3)]
    [InlineData(0.34, 2)]
    [InlineData(1.0, 0)]
    public void The_share_that_runs_decides_how_many_steps_are_left_out(double strength, int first) => Assert.Equal(first, Scheduler.FirstStep(3, strength));

    [Fact]
    public void Values_at_the_ends_of_their_ranges_are_taken()
    {
        Assert.Equal(3, Create("DDIMScheduler", new() { Strength = 1, Rows = 1 }).Count);
        Assert.Equal(3, Create("DDIMScheduler", new() { DenoisingStart = 0 }).Count);
        Assert.Equal(3, Create("DDIMScheduler", new() { Begin = 0 }).Count);
        Assert.Equal(1, Create("DDIMScheduler", new() { Begin = 2 }).Count);
        Create("DDIMScheduler", new() { Eta = 0 });
        Create("DDIMScheduler", new() { Eta = 1 });
        Create("EulerDiscreteScheduler", new() { Churn = 0 });
        Create("LMSDiscreteScheduler", new() { Order = 1 });
        Create("LMSDiscreteScheduler", new() { Order = 10 });
        Create("LCMScheduler", new() { OriginalInferenceSteps = 3 });
        Create("LCMScheduler", new() { OriginalStrength = 1 });
        Create("LCMScheduler", new() { OriginalInferenceSteps = 1000 });
    }

    [Fact]
    public void Values_beyond_them_are_refused_by_name()
    {
        Refused("DDIMScheduler", new() { Rows = 0 }, "Rows");
        foreach (var share in (double[])[-0.01, 1.01, double.NaN])
        {
            Refused("DDIMScheduler", new() { Strength = share }, "Strength");
            Refused("DDIMScheduler", new() { DenoisingStart = share }, "DenoisingStart");
            Refused("DDIMScheduler", new() { Eta = share }, "Eta");
        }

        foreach (var churn in (double[])[-0.01, double.NaN])
            Refused("EulerDiscreteScheduler", new() { Churn = churn }, "Churn");
        Refused("LMSDiscreteScheduler", new() { Order = 0 }, "Order");
        Refused("LMSDiscreteScheduler", new() { Order = 11 }, "Order");
        Refused("LCMScheduler", new() { OriginalInferenceSteps = 0 }, "OriginalInferenceSteps");
        foreach (var share in (double[])[0, 1.01, double.NaN])
            Refused("LCMScheduler", new() { OriginalStrength = share }, "OriginalStrength");

        static void Refused(string scheduler, SchedulerOptions options, string name) =>
            Assert.Contains($"{name} is ", Assert.Throws<ArgumentOutOfRangeException>(() => Create(scheduler, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Beginnings_exclude_each_other_and_so_do_timesteps_and_noise_levels()
    {
        foreach (var options in (SchedulerOptions[])[
            new() { Strength = 0.5, DenoisingStart = 0.5 }, new() { Strength = 0.5, Begin = 1 }, new() { DenoisingStart = 0.5, Begin = 1 },
            new() { Timesteps = [9, 5, 1], Sigmas = [9, 5, 1, 0] }])
        {
            Assert.Contains("exclude each other", Assert.Throws<ArgumentException>(() => Create("EulerDiscreteScheduler", options)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Timesteps_are_as_many_as_steps_and_noise_levels_one_more(int count)
    {
        double[] descending = [.. Enumerable.Range(1, count + 1).Reverse().Select(value => (double)value)];
        Assert.Contains("steps, expected 3.", Assert.Throws<ArgumentException>(() => Create("EulerDiscreteScheduler", new() { Timesteps = descending[1..] })).Message, StringComparison.Ordinal);
        Assert.Contains("steps, expected 4.", Assert.Throws<ArgumentException>(() => Create("EulerDiscreteScheduler", new() { Sigmas = descending })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5.0, 5.0, 0.0)]
    [InlineData(5.0, 6.0, 0.0)]
    [InlineData(1000.0, 5.0, 0.0)]
    [InlineData(5.0, 1.5, 0.0)]
    [InlineData(5.0, 1.0, -1.0)]
    [InlineData(double.NaN, 1.0, 0.0)]
    public void Timesteps_of_ones_own_are_whole_descending_and_within_training(params double[] timesteps) =>
        Assert.Contains("expected a whole number from 0 to below", Assert.Throws<ArgumentException>(() => Create("DDPMScheduler", new() { Timesteps = timesteps })).Message, StringComparison.Ordinal);

    [Fact]
    public void The_first_and_the_last_of_training_may_be_among_them() =>
        Assert.Equal([999, 1, 0], Create("DDPMScheduler", new() { Timesteps = [999, 1, 0] }).Timesteps);

    [Theory]
    [InlineData(3.0, 3.0, 1.0, 0.0)]
    [InlineData(3.0, 4.0, 1.0, 0.0)]
    [InlineData(3.0, 2.0, 0.0, 0.0)]
    [InlineData(3.0, 2.0, 1.0, -0.5)]
    [InlineData(3.0, 2.0, 1.0, double.NaN)]
    [InlineData(double.PositiveInfinity, 2.0, 1.0, 0.0)]
    public void Noise_levels_of_ones_own_descend_and_end_at_zero_or_above(params double[] sigmas) =>
        Assert.Contains("expected descending noise levels", Assert.Throws<ArgumentException>(() => Create("EulerDiscreteScheduler", new() { Sigmas = sigmas })).Message, StringComparison.Ordinal);

    [Fact]
    public void Noise_levels_of_ones_own_are_those_of_the_run()
    {
        var scheduler = (SigmaScheduler)Create("EulerDiscreteScheduler", new() { Sigmas = [3, 2, 1, 0.5] });
        Assert.Equal([3, 2, 1, 0.5f], scheduler.Sigmas.ToArray());
        Assert.Equal(3, scheduler.InitNoiseSigma);
    }

    [Fact]
    public void Only_a_sampler_of_one_network_call_a_step_may_begin_anywhere()
    {
        var heun = Assert.Throws<ArgumentException>(() => Create("HeunDiscreteScheduler", new() { Begin = 3 }));
        Assert.Contains("expected a multiple of 2", heun.Message, StringComparison.Ordinal);
        Assert.Equal(3, Create("HeunDiscreteScheduler", new() { Begin = 2 }).Count);
        Assert.Contains("leaves none of the 3 timesteps", Assert.Throws<ControlNetException>(() => Create("DDIMScheduler", new() { Begin = 3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_is_a_multiple_of_its_rows_and_stays_as_long_as_it_is()
    {
        var scheduler = Create("DDIMScheduler", new() { Rows = 2 });
        Assert.Throws<ArgumentException>(() => scheduler.Step(new float[3], 0, new float[3]));
        Assert.Throws<ArgumentException>(() => scheduler.Step([], 0, []));
        scheduler.Step(new float[4], 0, new float[4]);
        Assert.Throws<ArgumentException>(() => scheduler.Step(new float[2], 1, new float[2]));
        Assert.Throws<ArgumentException>(() => scheduler.Step(new float[2], 1, new float[4]));
        scheduler.Step(new float[4], 1, new float[4]);
    }

    [Fact]
    public void Steps_that_are_none_have_no_noise_and_no_scale()
    {
        var scheduler = Create("EulerDiscreteScheduler", new());
        foreach (var step in (int[])[-1, 3])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.ScaleModelInput(new float[1], step, new float[1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.AddNoise(new float[1], new float[1], step, new float[1]));
        }
    }

    private static Scheduler Create(string scheduler, SchedulerOptions options) => Scheduler.Create(SchedulerConfig.Default(scheduler), 3, options);
}
