using System.Text.RegularExpressions;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>A scheduler by any of its names: ours, diffusers' and those of web UIs.</summary>
public sealed partial class SchedulerNameTests
{
    [Theory]
    [InlineData("DPM++ 2M Karras", "dpmpp-2m-karras")]
    [InlineData("dpmpp_2m_karras", "dpmpp-2m-karras")]
    [InlineData("DPM++ 2M SDE", "dpmpp-2m-sde")]
    [InlineData("Euler", "euler")]
    [InlineData("Euler a", "euler-ancestral")]
    [InlineData("euler_ancestral", "euler-ancestral")]
    [InlineData("DPM2", "kdpm2")]
    [InlineData("DPM2 a Karras", "kdpm2-ancestral-karras")]
    [InlineData("dpm_2", "kdpm2")]
    [InlineData("LMS Karras", "lms-karras")]
    [InlineData("PLMS", "pndm")]
    [InlineData("uni_pc", "unipc")]
    [InlineData("DDIM", "ddim")]
    [InlineData("EulerDiscreteScheduler", "EulerDiscreteScheduler")]
    [InlineData("eulerdiscretescheduler", "EulerDiscreteScheduler")]
    public void Web_UIs_and_diffusers_names_are_understood(string name, string expected)
    {
        Assert.Equal(expected, SchedulerCatalog.NameOf(name));
        Assert.Equal(SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, expected), SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, name));
    }

    [Fact]
    public void A_class_name_keeps_the_models_configuration_as_from_config_does()
    {
        var own = SchedulerConfigs.StableDiffusion with { UseKarrasSigmas = true, TimestepSpacing = "trailing" };
        foreach (var name in SchedulerCatalog.ClassNames)
            Assert.Equal(own.SwitchTo(name), SchedulerCatalog.Configure(own, name));
        Assert.True(SchedulerCatalog.Configure(own, "DPMSolverMultistepScheduler").UseKarrasSigmas);
        Assert.False(SchedulerCatalog.Configure(own, "DPM++ 2M").UseKarrasSigmas);
        Assert.True(SchedulerCatalog.Configure(own with { UseKarrasSigmas = false }, "LMS Karras").UseKarrasSigmas);
    }

    [Fact]
    public void No_two_schedulers_share_a_name()
    {
        // A name that two entries had would always mean the first.
        Assert.All(SchedulerCatalog.Names, name => Assert.Equal(name, SchedulerCatalog.NameOf(name)));
        Assert.All(SchedulerCatalog.Names, name => Assert.Equal(name, SchedulerCatalog.NameOf(SchedulerCatalog.Describe(name).Split(':')[0])));
        Assert.All(SchedulerCatalog.ClassNames, name => Assert.Equal(name, SchedulerCatalog.NameOf(name)));
    }

    [Fact]
    public void The_table_in_the_docs_is_that_of_the_code()
    {
        var rows = File.ReadAllLines(Path.Combine(Fixtures.Checkout, "docs", "command-line.md")).Select(line => Row().Match(line)).Where(row => row.Success).ToArray();
        Assert.Equal(SchedulerCatalog.Names, rows.Select(row => row.Groups[1].Value));
        foreach (var row in rows)
        {
            Assert.StartsWith($"{row.Groups[2].Value}: ", SchedulerCatalog.Describe(row.Groups[1].Value), StringComparison.Ordinal);
            Assert.Equal(row.Groups[3].Value, SchedulerCatalog.Configure(SchedulerConfigs.StableDiffusion, row.Groups[1].Value).ClassName);
        }
    }

    [Theory]
    [InlineData("eulr", "Did you mean 'euler'?")]
    [InlineData("DPM++ 2M Kerras", "Did you mean 'DPM++ 2M Karras'?")]
    [InlineData("EulerDiscreteSheduler", "Did you mean 'EulerDiscreteScheduler'?")]
    [InlineData("DPM adaptive", "Unknown scheduler 'DPM adaptive'. Expected one of ddim, ")]
    [InlineData("", "Unknown scheduler ''. Expected one of")]
    [InlineData("++", "Unknown scheduler '++'. Expected one of")]
    public void What_is_no_name_gets_the_nearest(string name, string message) =>
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => SchedulerCatalog.NameOf(name)).Message, StringComparison.Ordinal);

    [GeneratedRegex(@"^\| `([^`]+)` \| ([^|]+) \| `(\w+Scheduler)` \|$")]
    private static partial Regex Row();
}
