using ControlNet.ML.Conditions;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

public sealed class LineSegmentsTests
{
    [Property]
    public void Any_lines_give_a_map_of_black_and_white((float X, float Y)[] ends)
    {
        LineSegment[] lines = [.. ends.Zip(ends.Reverse(), (a, b) => new LineSegment(a.X, a.Y, b.X, b.Y, 1))];
        var map = LineSegments.Draw(lines, 40, 30);
        Assert.Equal("40x30x1", map.ToString());
        Assert.All(map.Samples, sample => Assert.True(sample is 0 or 255));
        Assert.Equal(map.Samples, LineSegments.Draw([.. lines.Reverse()], 40, 30).Samples);
    }

    [Fact]
    public void Ends_are_truncated_and_no_lines_are_black()
    {
        var map = LineSegments.Draw([new LineSegment(1.9f, 2.9f, 3.9f, 2.1f, 0)], 6, 4);
        Assert.Equal([0, 255, 255, 255, 0, 0], map.Row(2).ToArray());
        Assert.Equal(3, map.Samples.Count(sample => sample == 255));
        Assert.All(LineSegments.Draw([], 6, 4).Samples, sample => Assert.Equal(0, sample));
    }
}
