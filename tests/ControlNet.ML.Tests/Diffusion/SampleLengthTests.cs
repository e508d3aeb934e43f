using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Samples that are blended have one length; none is cut off or read beyond its end.</summary>
public sealed class SampleLengthTests
{
    [Theory]
    [InlineData(3, 2, 2)]
    [InlineData(2, 3, 2)]
    [InlineData(2, 2, 3)]
    [InlineData(1, 2, 2)]
    [InlineData(2, 1, 2)]
    public void Noise_is_added_to_samples_of_one_length_only(int original, int noise, int noisy)
    {
        var schedule = new NoiseSchedule([0.1f]);
        Assert.Throws<ArgumentException>(() => schedule.AddNoise(new float[original], new float[noise], 0, new float[noisy]));
        Assert.Throws<ArgumentException>(() => schedule.Velocity(new float[original], new float[noise], 0, new float[noisy]));
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    public void A_sample_is_scaled_into_one_of_its_length_only(int sample, int scaled)
    {
        var scheduler = Scheduler.Create(SchedulerConfig.Default("EulerDiscreteScheduler"), 3);
        Assert.Throws<ArgumentException>(() => scheduler.ScaleModelInput(new float[sample], 0, new float[scaled]));
    }
}
