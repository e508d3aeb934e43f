using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Cli.Tests;

public sealed class ControlArgumentTests
{
    [Theory]
    [InlineData("emoji/canny", "emoji/canny", 1, 0, 1)]
    [InlineData("emoji/canny:0.8", "emoji/canny", 0.8, 0, 1)]
    [InlineData("emoji/canny:0.8:0.1-0.6", "emoji/canny", 0.8, 0.1, 0.6)]
    [InlineData("emoji/canny:-0.5:0-1e-1", "emoji/canny", -0.5, 0, 0.1)]
    [InlineData(@"C:\nets\canny:2", @"C:\nets\canny", 2, 0, 1)]
    [InlineData(@"C:\nets\canny", @"C:\nets\canny", 1, 0, 1)]
    public void Name_scale_and_window(string text, string name, double scale, double start, double end) =>
        Assert.Equal(new ControlArgument(name, scale, start, end), ControlArgument.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(":0.5")]
    [InlineData("a:nan")]
    [InlineData("a:1:0.5-0.2")]
    [InlineData("a:1:0-1.5")]
    public void What_makes_no_sense_is_refused(string text) => Assert.Throws<UsageException>(() => ControlArgument.Parse(text));

    [Property]
    public Property What_is_written_is_read_again() => Prop.ForAll(
        Arb.From(
            from scale in Gen.Choose(-3000, 3000)
            from a in Gen.Choose(0, 1000)
            from b in Gen.Choose(0, 1000)
            select new ControlArgument("some/net", scale / 777.0, Math.Min(a, b) / 1000.0, Math.Max(a, b) / 1000.0)),
        argument => ControlArgument.Parse(argument.ToString()) == argument);
}
