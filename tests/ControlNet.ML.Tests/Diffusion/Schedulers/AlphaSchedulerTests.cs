using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Timesteps at and beyond the ends of training.</summary>
public sealed class AlphaSchedulerTests
{
    private static readonly SchedulerConfig Ddim = SchedulerConfig.Default("DDIMScheduler");

    [Fact]
    public void A_timestep_beyond_training_is_refused()
    {
        // Leading spacing: 900 + the offset.
        Assert.Equal(999, Scheduler.Create(Ddim with { StepsOffset = 99 }, 10).Timesteps[0]);
        var error = Assert.Throws<ControlNetException>(() => Scheduler.Create(Ddim with { StepsOffset = 100 }, 10));
        Assert.Contains("timestep 1000 is outside the 1000 training timesteps", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_timestep_below_0_that_trailing_spacing_can_end_in_is_the_last_of_training()
    {
        var scheduler = Scheduler.Create(Ddim with { TimestepSpacing = "trailing" }, 61);
        Assert.Equal(-1, scheduler.Timesteps[^1]);
        var sample = new float[1];
        scheduler.AddNoise([1], [0], scheduler.Count - 1, sample);
        Assert.Equal(Math.Sqrt(NoiseSchedule.Create(Ddim).AlphasCumprod[^1]), sample[0], 1e-7);
    }
}
