using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>
/// What diffusers computes in float32 is computed in float32, in its order: expected values are torch's, of eleven samples (eight go through its
/// vectors, three are left over), at Stable Diffusion's betas.
/// </summary>
public sealed class SinglePrecisionTests
{
    private static readonly float[] Original = [0.7f, -1.3f, 0.123456f, 2.5f, -0.0371f, 1.1f, 0.9f, -2.2f, 0.31f, 1.7f, -0.55f];
    private static readonly float[] Noise = [1.9f, -0.4f, -1.7f, 0.033f, 0.81f, -2.3f, 0.6f, 1.45f, -0.09f, 0.77f, 1.21f];

    public static TheoryData<string> Names => [.. SchedulerCatalog.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Noise_is_added_to_the_last_bit(string name)
    {
        // Timesteps 801, 401, 1; those of LCM and TCD have a spacing of their own.
        var scheduler = Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = "leading" }, name), 5);
        float[] noisy = [.. Original];
        for (var step = 0; step < scheduler.Count; step++)
        {
            var expected = (scheduler, scheduler.Timesteps[step]) switch
            {
                (SigmaScheduler, 801) => [10.455423f, -3.3537734f, -8.605081f, 2.6694362f, 4.121791f, -10.709196f, 3.98066f, 5.2449284f, -0.15209901f, 5.653514f, 5.6626644f],
                (SigmaScheduler, 401) => [2.9196112f, -1.7672865f, -1.862512f, 2.538551f, 0.9091553f, -1.5868977f, 1.6009299f, -0.5060861f, 0.20486051f, 2.5995266f, 0.8635419f],
                (SigmaScheduler, 1) => [0.7784975f, -1.3165257f, 0.053221382f, 2.5013633f, -0.0036352687f, 1.0049767f, 0.92478865f, -2.140094f, 0.3062817f, 1.7318122f, -0.5000095f],
                (LambdaScheduler, 801) => [1.9987774f, -0.6411454f, -1.6450449f, 0.51031977f, 0.7879684f, -2.0472915f, 0.76098824f, 1.0026801f, -0.029076975f, 1.0807899f, 1.0825392f],
                (LambdaScheduler, 401) => [1.8986034f, -1.1492544f, -1.211179f, 1.6508027f, 0.5912176f, -1.0319488f, 1.0410739f, -0.3291043f, 0.13321942f, 1.6904547f, 0.5615555f],
                (LambdaScheduler, 1) => [0.77783394f, -1.3154036f, 0.053176023f, 2.4992313f, -0.003632173f, 1.0041201f, 0.92400044f, -2.13827f, 0.30602065f, 1.7303361f, -0.4995833f],
                (AlphaScheduler, var t) => OfAlphas(t),
                _ => (float[]?)null,
            };
            scheduler.AddNoise(Original, Noise, step, noisy);
            if (expected is not null)
                Assert.Equal(expected, noisy);
        }
    }

    [Fact]
    public void Training_noise_and_velocity_are_to_the_last_bit()
    {
        var schedule = NoiseSchedule.Create(SchedulerConfigs.StableDiffusion);
        var result = new float[Original.Length];
        foreach (var timestep in (int[])[801, 401, 1])
        {
            schedule.AddNoise(Original, Noise, timestep, result);
            Assert.Equal(OfAlphas(timestep), result);
        }

        schedule.Velocity(Original, Noise, 801, result);
        Assert.Equal(
            [-0.32386407f, 1.199555f, -0.44617042f, -2.4475832f, 0.19126457f, -1.5194066f, -0.7686982f, 2.4366233f, -0.321488f, -1.5214446f, 0.7711736f], result);
    }

    [Theory]
    [InlineData("euler", 0)]
    [InlineData("heun", 0)]
    [InlineData("lms", 0)]
    [InlineData("kdpm2", 0)]
    public void The_network_sees_a_sample_divided_to_the_last_bit(string name, int step)
    {
        var scheduler = Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = "leading" }, name), 5);
        var scaled = new float[Original.Length];
        scheduler.ScaleModelInput(Original, step, scaled);
        Assert.Equal(
            [0.13381995f, -0.24852277f, 0.023601253f, 0.47792843f, -0.0070924573f, 0.21028851f, 0.17205423f, -0.42057702f, 0.059263125f, 0.32499135f, -0.105144255f],
            scaled);
    }

    [Fact]
    public void Timesteps_between_noise_levels_are_found_in_float32()
    {
        // In double arithmetic the sixth would be 585.49347.
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = "trailing" }, "kdpm2");
        float[] expected = [999, 920.5058f, 832, 753.5382f, 666, 585.4935f, 499, 415.29193f, 332, 242.48505f, 166];
        Assert.Equal([.. expected.Select(timestep => (double)timestep)], Scheduler.Create(config, 6).Timesteps);
    }

    private static float[]? OfAlphas(double timestep) => timestep switch
    {
        801 => [1.9987776f, -0.64114547f, -1.6450452f, 0.5103198f, 0.78796846f, -2.0472918f, 0.7609883f, 1.0026802f, -0.029076982f, 1.08079f, 1.0825394f],
        401 => [1.8986034f, -1.1492544f, -1.2111791f, 1.6508027f, 0.59121764f, -1.031949f, 1.0410739f, -0.3291043f, 0.13321942f, 1.6904547f, 0.5615555f],
        1 => [0.77783394f, -1.3154036f, 0.053176023f, 2.4992313f, -0.003632173f, 1.0041201f, 0.92400044f, -2.13827f, 0.30602065f, 1.7303361f, -0.4995833f],
        _ => null,
    };
}
