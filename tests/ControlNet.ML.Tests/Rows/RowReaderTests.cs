using System.Globalization;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Rows;
using ControlNet.ML.Weights;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Rows;

/// <summary>A row's settings, from texts as tables have them and from numbers as ML.NET has them.</summary>
public sealed class RowReaderTests
{
    private static readonly ModelFolder Folder = ModelFolder.Open(Fixtures.Path("models", "sd1"));
    private static readonly GenerateOptions Common = new() { Steps = 7, Guidance = 3, NegativePrompt = "common", Width = 64, Height = 72 };

    [Fact]
    public void A_row_that_says_nothing_is_as_all_are()
    {
        var row = new Row();
        Assert.Equal(Common with { Seed = 5 }, Reader().Options(row, 5));
        Assert.Equal("x", RowReader.Prompt(row, "x"));
        Assert.Equal(0.25, RowReader.Strength(row, 0.25));
        var unit = new ControlUnit { Scale = 2, Start = 0.25, End = 0.5, Weighting = ControlWeighting.Resolution };
        Assert.Equal(unit, RowReader.Unit(row, 0, unit));
        Assert.Equal((Folder.NativeSize, Folder.NativeSize), Size(new RowReader(Folder, Folder.ReadScheduler(), new GenerateOptions()).Options(row, 0)));

        static (int?, int?) Size(GenerateOptions options) => (options.Width, options.Height);
    }

    [Fact]
    public void A_row_s_own_goes_before_what_holds_for_all()
    {
        Row row = new() { [RowSetting.Prompt] = "own", [RowSetting.NegativePrompt] = "not", [RowSetting.Steps] = 1000 };
        Assert.Equal("own", RowReader.Prompt(row, "common"));
        Assert.Equal(("not", 1000), (Reader().Options(row, 0).NegativePrompt, Reader().Options(row, 0).Steps));
        foreach (var strength in (object[])[0, 1.0, "0.25"])
            Assert.Equal(Convert.ToDouble(strength, CultureInfo.InvariantCulture), RowReader.Strength(new Row { [RowSetting.Strength] = strength }, 0.5));
        Assert.Throws<RowException>(() => RowReader.Strength(new Row { [RowSetting.Strength] = -0.5 }, 0.5));
    }

    [Property]
    public void Texts_and_numbers_mean_the_same(int seed, byte steps, short guidance, byte width)
    {
        var (s, g, w) = ((steps % 50) + 1, guidance / 8.0, 8 * (width + 1));
        Row numbers = new()
        {
            [RowSetting.Seed] = (long)seed,
            [RowSetting.Steps] = s,
            [RowSetting.Guidance] = g,
            [RowSetting.Width] = (double)w,
        };
        Row texts = new()
        {
            [RowSetting.Seed] = $" {seed} ",
            [RowSetting.Steps] = $"{s}.0",
            [RowSetting.Guidance] = g.ToString("R", CultureInfo.InvariantCulture),
            [RowSetting.Width] = $"{w}",
        };
        var options = Reader().Options(numbers, 0);
        Assert.Equal(options, Reader().Options(texts, 0));
        Assert.Equal((unchecked((ulong)(long)seed), s, g, w, 72), (options.Seed, options.Steps, options.Guidance, options.Width, options.Height));
    }

    [Theory]
    [InlineData(RowSetting.Steps, "0", "column 'Steps': it is '0', expected a whole number from 1 to 1,000.")]
    [InlineData(RowSetting.Steps, 0f, "column 'Steps': it is 0, expected a whole number from 1 to 1,000.")]
    [InlineData(RowSetting.Steps, "3.00000000000000001", "column 'Steps': it is '3.00000000000000001', expected a whole number from 1 to 1,000.")]
    [InlineData(RowSetting.Guidance, double.NaN, "column 'Guidance': it is NaN, expected a number.")]
    [InlineData(RowSetting.Guidance, "7,5", "column 'Guidance': it is '7,5', expected a number with a point before the decimals, the sign '-', and nothing between the thousands.")]
    [InlineData(RowSetting.Seed, 0.5, "column 'Seed': it is 0.5, expected a whole number of at most 2^53.")]
    [InlineData(RowSetting.Seed, "a", "column 'Seed': it is 'a', expected a whole number from -9223372036854775808 to 18446744073709551615.")]
    [InlineData(RowSetting.Width, 65, "column 'Width': Width is 65, expected a multiple of 8: 64 or 72.")]
    [InlineData(RowSetting.Height, "8200", "column 'Height': Height is 8200, expected at most 8,192.")]
    public void What_cannot_be_is_said_with_its_column(object setting, object value, string expected) =>
        Assert.Equal(expected, Assert.Throws<RowException>(() => Reader().Options(new Row { [(RowSetting)setting] = value }, 0)).Message);

    [Fact]
    public void A_row_may_have_its_own_prompt_syntax()
    {
        Assert.Equal(PromptSyntax.Weighted, Reader().Options(new Row { [RowSetting.PromptSyntax] = " Weighted " }, 0).PromptSyntax);
        Assert.Equal(PromptSyntax.Plain, Reader().Options(new Row(), 0).PromptSyntax);
        Assert.Equal(
            "column 'PromptSyntax': '1' is not a prompt syntax, expected 'plain' or 'weighted'.",
            Assert.Throws<RowException>(() => Reader().Options(new Row { [RowSetting.PromptSyntax] = "1" }, 0)).Message);
    }

    [Fact]
    public void A_window_is_blamed_on_the_column_that_says_it()
    {
        var unit = new ControlUnit();
        Assert.StartsWith("column 'ControlEnd': The window", Refused(new Row { [RowSetting.ControlStart] = 0.5, [RowSetting.ControlEnd] = "0.25" }), StringComparison.Ordinal);
        Assert.StartsWith("column 'ControlStart': The window", Refused(new Row { [RowSetting.ControlStart] = 1.5 }), StringComparison.Ordinal);
        Assert.StartsWith("column 'ControlStart': The window", Refused(new Row { [RowSetting.ControlStart] = -1, [RowSetting.ControlScale] = 1 }), StringComparison.Ordinal);
        var backwards = new ControlUnit { Start = 1, End = 0 };
        Assert.StartsWith("column 'ControlScale': ", Assert.Throws<RowException>(() => RowReader.Unit(new Row { [RowSetting.ControlScale] = 1 }, 0, backwards)).Message, StringComparison.Ordinal);
        Assert.StartsWith("The window", Assert.Throws<RowException>(() => RowReader.Unit(new Row(), 0, backwards)).Message, StringComparison.Ordinal);
        Assert.StartsWith("column 'ControlWeighting': 'x' is not a control weighting", Refused(new Row { [RowSetting.ControlWeighting] = "x" }), StringComparison.Ordinal);
        Assert.Equal(
            new ControlUnit { Scale = -1, Weighting = ControlWeighting.GuessPower },
            RowReader.Unit(new Row { [RowSetting.ControlScale] = "-1", [RowSetting.ControlWeighting] = "Guess-Original" }, 0, unit));

        string Refused(Row row) => Assert.Throws<RowException>(() => RowReader.Unit(row, 0, unit)).Message;
    }

    [Fact]
    public void Steps_that_the_scheduler_cannot_take_are_the_row_s_fault()
    {
        var reader = new RowReader(Folder, SchedulerCatalog.Configure(Folder.ReadScheduler(), "lcm"), Common);
        reader.CheckSteps(new Row(), Steps(4), null);
        Assert.StartsWith("column 'Steps': ", Assert.Throws<RowException>(() => reader.CheckSteps(new Row { [RowSetting.Steps] = 60 }, Steps(60), null)).Message, StringComparison.Ordinal);
        var none = Assert.Throws<RowException>(() => Reader().CheckSteps(new Row { [RowSetting.Strength] = 0.1, [RowSetting.Steps] = 4 }, Steps(4), 0.1)).Message;
        Assert.StartsWith("column 'Strength': ", none, StringComparison.Ordinal);
        Assert.Contains("leaves none", none, StringComparison.Ordinal);
        Assert.Equal("column 'Strength': it is 2, expected 0 to 1.", Assert.Throws<RowException>(() => RowReader.Strength(new Row { [RowSetting.Strength] = 2 }, null)).Message);

        static GenerateOptions Steps(int steps) => Common with { Steps = steps };
    }

    [Fact]
    public void A_row_may_have_its_own_scheduler_eta_clip_skip_and_guidance_rescale()
    {
        Row row = new() { [RowSetting.Scheduler] = "Euler a", [RowSetting.GuidanceRescale] = "0.7", [RowSetting.ClipSkip] = 1.0, [RowSetting.Steps] = 4 };
        var options = Reader().Options(row, 0);
        Assert.Equal(("euler-ancestral", 0.7, 1, 0.0), (options.Scheduler, options.GuidanceRescale, options.ClipSkip, options.Eta));
        Reader().CheckSteps(row, options, null);

        row[RowSetting.Eta] = 0.5;
        options = Reader().Options(row, 0);
        Assert.StartsWith("column 'Eta': EulerAncestralDiscreteScheduler takes no option Eta", Refused(() => Reader().CheckSteps(row, options, null)), StringComparison.Ordinal);
        row[RowSetting.Scheduler] = "DDIM";
        Reader().CheckSteps(row, Reader().Options(row, 0), null);

        // Configured as a whole for all rows, and by name for this one.
        var configured = new RowReader(Folder, Folder.ReadScheduler(), Common with { SchedulerConfig = Folder.ReadScheduler() });
        Assert.Null(configured.Options(row, 0).SchedulerConfig);
        Assert.NotNull(configured.Options(new Row(), 0).SchedulerConfig);

        Assert.Contains("Did you mean 'euler'?", Refused(() => Reader().Options(new Row { [RowSetting.Scheduler] = "eulr" }, 0)), StringComparison.Ordinal);
        Assert.StartsWith("column 'ClipSkip': ", Refused(() => Reader().Options(new Row { [RowSetting.ClipSkip] = 99 }, 0)), StringComparison.Ordinal);
        Assert.Equal("column 'GuidanceRescale': it is 1.5, expected 0 to 1.", Refused(() => Reader().Options(new Row { [RowSetting.GuidanceRescale] = 1.5 }, 0)));

        static string Refused(Action read) => Assert.Throws<RowException>(read).Message;
    }

    private static RowReader Reader() => new(Folder, Folder.ReadScheduler(), Common);

    private sealed class Row : Dictionary<RowSetting, object>, IRowValues
    {
        public RowValue? Find(RowSetting setting, int control) => TryGetValue(setting, out var value) ? new RowValue(setting.ToString(), value) : null;
    }
}
