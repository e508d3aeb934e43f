using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

public sealed class NoiseScheduleTests
{
    private static readonly NoiseSchedule StableDiffusion = NoiseSchedule.Create(
        SchedulerConfig.Default("DDPMScheduler") with { BetaStart = 0.00085, BetaEnd = 0.012, BetaSchedule = "scaled_linear" });

    [Property]
    public void Noise_and_sample_come_back_from_a_noisy_sample_and_its_velocity(ushort timestep, ulong seed)
    {
        var t = timestep % StableDiffusion.Count;
        var (original, noise, noisy, velocity) = (new float[20], new float[20], new float[20], new float[20]);
        var random = new TorchRandom(seed);
        random.FillNormal(original);
        random.FillNormal(noise);
        StableDiffusion.AddNoise(original, noise, t, noisy);
        StableDiffusion.Velocity(original, noise, t, velocity);
        var alphaBar = StableDiffusion.AlphasCumprod[t];
        var (alpha, sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));
        for (var i = 0; i < original.Length; i++)
        {
            Assert.Equal(original[i], (alpha * noisy[i]) - (sigma * velocity[i]), 1e-5);
            Assert.Equal(noise[i], (sigma * noisy[i]) + (alpha * velocity[i]), 1e-5);
        }
    }

    [Property]
    public void The_signal_to_noise_ratio_is_that_of_the_noise_added(ushort timestep)
    {
        var t = timestep % StableDiffusion.Count;
        var (signal, noise) = (new float[1], new float[1]);
        StableDiffusion.AddNoise([1], [0], t, signal);
        StableDiffusion.AddNoise([0], [1], t, noise);
        Assert.Equal(1, signal[0] * signal[0] / (noise[0] * noise[0]) / StableDiffusion.Snr(t), 1e-5);
    }

    [Fact]
    public void With_zero_terminal_snr_the_last_timestep_is_pure_noise_and_the_first_as_before()
    {
        var rescaled = new NoiseSchedule(StableDiffusion.Beta, zeroTerminalSnr: true);
        Assert.Equal(0, rescaled.AlphasCumprod[^1]);
        Assert.Equal(StableDiffusion.AlphasCumprod[0], rescaled.AlphasCumprod[0], 1e-6f);
    }

    [Fact]
    public void Timesteps_out_of_range_and_betas_that_are_none_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => StableDiffusion.Snr(1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => StableDiffusion.AddNoise([1], [1], -1, new float[1]));
        Assert.Throws<ArgumentException>(() => new NoiseSchedule([0.1f, float.NaN]));
        Assert.Throws<ArgumentException>(() => new NoiseSchedule([]));
        Assert.Throws<ArgumentException>(() => new NoiseSchedule([-0.1f]));
        Assert.Throws<ArgumentException>(() => new NoiseSchedule([1.1f]));
        Assert.Equal([1, 0], new NoiseSchedule([0, 1]).AlphasCumprod.ToArray());
        Assert.Contains("0 to 999", Assert.Throws<ArgumentOutOfRangeException>(() => StableDiffusion.Snr(1000)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => StableDiffusion.MinSnrWeight(0, PredictionType.Epsilon, 0));
        Assert.Throws<ArgumentNullException>(() => NoiseSchedule.Create(null!));
        Assert.Throws<ControlNetException>(() => NoiseSchedule.Create(SchedulerConfig.Default("DDIMScheduler") with { BetaStart = 2 }));
    }
}
