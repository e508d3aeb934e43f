using System.Globalization;
using System.Text.RegularExpressions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Every number of steps ends in numbers or is refused before the first step, with the most that can be taken.</summary>
public sealed partial class StepCountTests
{
    private static readonly int[] Counts = [61, 500, 501, 997, 998, 999, 1000];

    public static TheoryData<string, string, int> Spacings =>
    [
        .. from name in SchedulerCatalog.Names
           from spacing in new[] { "linspace", "leading", "trailing" }
           from offset in new[] { 0, 1 }
           select new TheoryDataRow<string, string, int>(name, spacing, offset),
    ];

    [Theory]
    [MemberData(nameof(Spacings))]
    public void Many_steps_end_in_numbers_or_are_refused_with_the_most_that_do(string name, string spacing, int offset)
    {
        var model = SchedulerConfigs.StableDiffusion with { TimestepSpacing = spacing, StepsOffset = offset };
        var config = SchedulerCatalog.Configure(model, name);
        foreach (var steps in Counts)
        {
            if (Refusal(config, steps) is not { } refusal)
            {
                Assert.True(float.IsFinite(Run(config, steps)), $"{steps} steps");
                continue;
            }

            var most = int.Parse(Most().Match(refusal).Groups[1].Value, CultureInfo.InvariantCulture);
            Assert.InRange(most, 1, steps - 1);
            Assert.True(float.IsFinite(Run(config, most)), $"{most} steps");
            Assert.NotNull(Refusal(config, most + 1));
        }
    }

    [Theory]
    [InlineData("dpmpp-2m", "leading", 999, 998)]
    [InlineData("dpmpp-2s", "leading", 1000, 1000)]
    [InlineData("deis", "leading", 999, 998)]
    [InlineData("unipc", "leading", 999, 998)]
    [InlineData("lms", "leading", 1000, 999)]
    [InlineData("ddim", "leading", 1000, 999)]
    [InlineData("pndm", "leading", 1000, 999)]
    [InlineData("euler", "leading", 1000, 1000)]
    [InlineData("ddim", "linspace", 1000, 1000)]
    public void The_most_steps_are_those_whose_noise_levels_differ(string name, string spacing, int steps, int most)
    {
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = spacing }, name);
        if (most == steps)
            Assert.Null(Refusal(config, steps));
        else
            Assert.Contains($"expected at most {most} steps or another spacing", Refusal(config, steps), StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_that_are_left_out_at_the_start_are_no_obstacle()
    {
        var config = SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion with { TimestepSpacing = "leading" }, "dpmpp-2m");
        Assert.NotNull(Refusal(config, 999));
        Assert.Equal(499, Scheduler.Create(config, 999, new SchedulerOptions { Strength = 0.5 }).Count);
    }

    [Fact]
    public void Timesteps_beyond_training_at_any_number_of_steps_are_the_offsets_fault() => Assert.Contains(
        "expected a smaller 'steps_offset'", Refusal(SchedulerConfigs.StableDiffusion with { TimestepSpacing = "leading", StepsOffset = 1000 }, 3), StringComparison.Ordinal);

    private static string? Refusal(SchedulerConfig config, int steps)
    {
        try
        {
            Scheduler.Create(config, steps);
            return null;
        }
        catch (ControlNetException error)
        {
            return error.Message;
        }
    }

    private static float Run(SchedulerConfig config, int steps)
    {
        var scheduler = Scheduler.Create(config, steps);
        var (sample, scaled, random) = (new[] { 1f }, new float[1], new TorchRandom(0));
        for (var step = 0; step < scheduler.Count; step++)
        {
            scheduler.ScaleModelInput(sample, step, scaled);
            scheduler.Step([0.1f * scaled[0]], step, sample, random);
        }

        return sample[0];
    }

    [GeneratedRegex(@"expected at most (\d+)")]
    private static partial Regex Most();
}
