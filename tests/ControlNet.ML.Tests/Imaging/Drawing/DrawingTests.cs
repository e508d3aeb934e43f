using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging.Drawing;

[Properties(Arbitrary = [typeof(DrawingTests)], MaxTest = 300)]
public sealed class DrawingTests
{
    private static readonly int[] Extremes = [int.MinValue, int.MaxValue, -1_000_000, 1_000_000, 0];

    /// <summary>Places near the image, far off, and at the ends of what a number holds.</summary>
    public static Arbitrary<PixelPoint> Places()
    {
        var coordinate = Gen.Frequency((6, Gen.Choose(-5, 40)), (2, Gen.Choose(-100_000, 100_000)), (1, Gen.Elements(Extremes)));
        return Arb.From(from x in coordinate from y in coordinate select new PixelPoint(x, y));
    }

    [Property]
    public void Any_coordinates_can_be_drawn(PixelPoint a, PixelPoint b, PixelPoint c, PixelPoint d, byte size)
    {
        var image = new ImageBuffer(31, 17, 1);
        LineDrawing.Draw(image, a, b, [1]);
        LineDrawing.Draw(image, a, b, [2], size + 1);
        LineDrawing.Draw(image, a, b, [2], LineDrawing.MaxThickness - size);
        CircleFill.Draw(image, c, size, [3]);
        PolygonFill.Draw(image, [a, b, c, d], [4]);
        PolygonFill.Draw(image, EllipsePolygon.Points(a, int.MaxValue, size, b.X), [5]);
        Assert.All(image.Samples, sample => Assert.InRange(sample, 0, 5));
    }

    [Property]
    public void A_line_holds_both_ends_and_one_pixel_a_column_or_row(byte ax, byte ay, byte bx, byte by)
    {
        PixelPoint a = new(ax % 50, ay % 40), b = new(bx % 50, by % 40);
        var image = Line(a, b, 1);
        Assert.Equal((7, 7), (image.Row(a.Y)[a.X], image.Row(b.Y)[b.X]));
        Assert.Equal(Math.Max(Math.Abs(a.X - b.X), Math.Abs(a.Y - b.Y)) + 1, image.Samples.Count(sample => sample == 7));
        Assert.Equal(image.Samples, Line(b, a, 1).Samples);
    }

    [Property]
    public void A_line_that_is_cut_begins_and_ends_at_the_border(PixelPoint a, byte bx, byte by)
    {
        PixelPoint b = new(bx % 50, by % 40);
        var image = Line(a, b, 1);
        Assert.Equal(7, image.Row(b.Y)[b.X]);
        var cut = a.X is < 0 or >= 50 || a.Y is < 0 or >= 40;
        Assert.True(!cut || Border(image).Contains((byte)7));
    }

    [Property]
    public void A_thicker_line_holds_the_thinner_one(byte ax, byte ay, byte bx, byte by, byte thickness)
    {
        PixelPoint a = new(ax % 50, ay % 40), b = new(bx % 50, by % 40);
        var (thin, thick) = (Line(a, b, 1), Line(a, b, (thickness % 20) + 3));
        for (var i = 0; i < thin.Samples.Length; i++)
            Assert.True(thin.Samples[i] <= thick.Samples[i]);
    }

    [Property]
    public void What_is_drawn_far_off_is_what_is_drawn_here_shifted(byte x, byte y, byte radius, byte shift)
    {
        var (large, small) = (new ImageBuffer(80, 80, 1), new ImageBuffer(40, 40, 1));
        PixelPoint centre = new(x % 80, y % 80);
        var (dx, dy) = (shift % 40, shift % 31);
        CircleFill.Draw(large, centre, radius % 50, [9]);
        CircleFill.Draw(small, new PixelPoint(centre.X - dx, centre.Y - dy), radius % 50, [9]);
        for (var row = 0; row < 40; row++)
            Assert.Equal(large.Row(row + dy).Slice(dx, 40), small.Row(row));
    }

    [Property]
    public void An_ellipse_stays_within_its_axes_and_has_no_equal_neighbours(PixelPoint centre, byte a, byte b, int angle)
    {
        centre = new PixelPoint(centre.X % 1_000_000, centre.Y % 1_000_000);
        var points = EllipsePolygon.Points(centre, a, b, angle);
        Assert.All(points, p => Assert.InRange(Math.Sqrt(Math.Pow(p.X - centre.X, 2) + Math.Pow(p.Y - centre.Y, 2)), Math.Min(a, b) - 1, Math.Max(a, b) + 1));
        for (var i = 1; i < points.Length; i++)
            Assert.True(points[i] != points[i - 1] || (a, b) == (0, 0));
    }

    [Fact]
    public void A_wrong_color_thickness_or_size_is_refused()
    {
        var image = new ImageBuffer(4, 4, 3);
        Assert.Throws<ArgumentException>(() => LineDrawing.Draw(image, default, default, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => LineDrawing.Draw(image, default, default, [1, 2, 3], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => CircleFill.Draw(image, default, -1, [1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => EllipsePolygon.Points(default, -1, 0, 0));
        Assert.Throws<ArgumentException>(() => Blend.AddWeighted(image, 0.5f, new ImageBuffer(4, 3, 3), 0.5f));
    }

    private static ImageBuffer Line(PixelPoint a, PixelPoint b, int thickness)
    {
        var image = new ImageBuffer(50, 40, 1);
        LineDrawing.Draw(image, a, b, [7], thickness);
        return image;
    }

    private static IEnumerable<byte> Border(ImageBuffer image) =>
        image.Samples.Where((_, i) => i % image.Width == 0 || i % image.Width == image.Width - 1 || i < image.Width || i >= image.Samples.Length - image.Width);
}
