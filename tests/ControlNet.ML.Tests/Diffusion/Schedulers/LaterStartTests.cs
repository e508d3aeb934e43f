using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Image to image with samplers that go by the steps before.</summary>
public sealed class LaterStartTests
{
    [Fact]
    public void Lms_ends_at_the_image_where_the_networks_are_right()
    {
        // The noise that is in the sample, predicted exactly, is a constant derivative: any order that counts only derivatives at hand is exact.
        Assert.Equal(0.5f, Run(SchedulerOptions.None), 1e-4f);
        Assert.Equal(0.5f, Run(new SchedulerOptions { Strength = 0.3 }), 1e-4f);
        Assert.True(Math.Abs(Run(new SchedulerOptions { Strength = 0.3, OrderOfWholeSchedule = true }) - 0.5f) > 0.01f);

        static float Run(SchedulerOptions options)
        {
            var scheduler = Scheduler.Create(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, "lms"), 10, options);
            var sample = new[] { 0.5f };
            scheduler.AddNoise(sample, [1.5f], 0, sample);
            for (var step = 0; step < scheduler.Count; step++)
                scheduler.Step([1.5f], step, sample);
            return sample[0];
        }
    }

    [Fact]
    public void The_short_name_pndm_is_plms_whatever_the_folder_says()
    {
        foreach (var model in (SchedulerConfig[])[SchedulerConfig.Default("DDIMScheduler"), SchedulerConfig.Default("PNDMScheduler") with { SkipPrkSteps = false }])
        {
            var config = SchedulerCatalog.Configure(model, "pndm");
            Assert.Equal(1, Scheduler.Create(config, 1).Count);
            Assert.Equal(4, Scheduler.Create(config, 3).Count);

            // Its second timestep stands twice.
            Assert.Equal(6, Scheduler.Create(config, 10, new SchedulerOptions { Strength = 0.5 }).Count);
        }
    }
}
