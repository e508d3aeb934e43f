using ControlNet.ML.Conditions;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

[Properties(Arbitrary = [typeof(PoseSamples)], MaxTest = 60)]
public sealed class PoseDrawingTests
{
    [Theory]
    [InlineData(PoseStyle.Original)]
    [InlineData(PoseStyle.V11)]
    [InlineData(PoseStyle.Aux)]
    public void Nobody_is_black(PoseStyle style)
    {
        var image = PoseDrawing.Draw([], 40, 30, new PoseDrawingOptions { Style = style });
        Assert.Equal("40x30x3", image.ToString());
        Assert.All(image.Samples, sample => Assert.Equal(0, sample));
        Assert.All(PoseDrawing.Draw([new PosePerson()], 40, 30, new PoseDrawingOptions { Style = style }).Samples, sample => Assert.Equal(0, sample));
    }

    [Property]
    public void Twice_the_same_person_is_once_where_nothing_is_blended(PosePerson person, bool aux)
    {
        var options = new PoseDrawingOptions { Style = aux ? PoseStyle.Aux : PoseStyle.V11 };
        Assert.Equal(PoseDrawing.Draw([person], 70, 90, options).Samples, PoseDrawing.Draw([person, person], 70, 90, options).Samples);
    }

    [Property]
    public void Of_one_person_two_styles_are_the_same(PosePerson person)
    {
        var v11 = PoseDrawing.Draw([person], 64, 64);
        Assert.Equal(v11.Samples, PoseDrawing.Draw([person], 64, 64, new PoseDrawingOptions { Style = PoseStyle.Aux }).Samples);
    }

    [Property]
    public void Every_body_point_inside_has_its_color_or_that_of_a_later_one(PosePerson person)
    {
        var image = PoseDrawing.Draw([person], 64, 64, new PoseDrawingOptions { Hands = false, Face = false });
        for (var i = 0; i < 18; i++)
        {
            if (person.Body[i] is not { X: >= 0 and < 1, Y: >= 0 and < 1 } point)
                continue;
            var at = image.Row((int)(point.Y * 64)).Slice((int)(point.X * 64) * 3, 3).ToArray();
            Assert.Contains(PoseSkeleton.Colors.Skip(i), color => at is [var r, var g, var b] && (r, g, b) == (color.R, color.G, color.B));
        }
    }

    [Property]
    public void Parts_that_are_off_are_not_drawn(PosePerson person, PoseStyle style)
    {
        var off = new PoseDrawingOptions { Style = style, Body = false, Hands = false, Face = false };
        Assert.All(PoseDrawing.Draw([person], 64, 64, off).Samples, sample => Assert.Equal(0, sample));
        var without = person with { LeftHand = null, RightHand = null, Face = null };
        var body = new PoseDrawingOptions { Style = style, Hands = false, Face = false };
        Assert.Equal(PoseDrawing.Draw([without], 64, 64, new PoseDrawingOptions { Style = style }).Samples, PoseDrawing.Draw([person], 64, 64, body).Samples);
    }

    [Property]
    public void Any_numbers_can_be_drawn(double x, double y, double z, PosePerson person, PoseStyle style)
    {
        PosePoint?[] wild = [.. person.Body.Select((point, i) => (i % 3) switch { 0 => new PosePoint(x, y), 1 => new PosePoint(z * 1e9, x), _ => point })];
        PosePoint?[] hand = [.. wild, .. wild[..3]];
        var strange = new PosePerson { Body = wild, LeftHand = hand };
        Assert.Equal("33x20x3", PoseDrawing.Draw([strange, person], 33, 20, new PoseDrawingOptions { Style = style }).ToString());
    }

    [Property]
    public void Coco_bodies_keep_their_points(PosePerson person)
    {
        PosePoint?[] coco = [.. person.Body.Take(CocoKeypoints.Count)];
        var body = CocoKeypoints.ToBody(coco, 0);
        Assert.Equal(18, body.Count);
        Assert.Equal(Sorted(coco), Sorted(body.Where((_, i) => i != 1)));
        Assert.Equal(coco[5] is { } left && coco[6] is { } right ? (left.X + right.X) / 2 : null, body[1]?.X);
        Assert.All(CocoKeypoints.ToBody(coco, 0.5), point => Assert.True(point is null || point.Value.Score > 0.5));
    }

    [Fact]
    public void Wrong_counts_are_refused()
    {
        Assert.Contains("expected 18", Assert.Throws<ArgumentException>(() => new PosePerson { Body = new PosePoint?[17] }).Message);
        Assert.Contains("expected 21", Assert.Throws<ArgumentException>(() => new PosePerson { LeftHand = new PosePoint?[20] }).Message);
        Assert.Contains("68 or 70", Assert.Throws<ArgumentException>(() => new PosePerson { Face = new PosePoint?[69] }).Message);
        Assert.Contains("17", Assert.Throws<ArgumentException>(() => CocoKeypoints.ToBody(new PosePoint?[18])).Message);
    }

    private static IEnumerable<PosePoint?> Sorted(IEnumerable<PosePoint?> points) => points.OrderBy(p => p?.X).ThenBy(p => p?.Y).ThenBy(p => p?.Score);
}
