using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>The checks of what is drawn, for the table in <see cref="ConditionParityTests"/>.</summary>
internal static class DrawingChecks
{
    private const int Width = 112;
    private const int Height = 96;

    public static void EllipseToPolygon(ConditionCase c)
    {
        foreach (var row in c.ExpectedJson().EnumerateArray())
            Assert.Equal(PointsOf(row[5]), EllipseOf(row));
    }

    public static void FillEllipses(ConditionCase c) => Fill(c, [.. c.Json("draw/ellipse2poly.json").EnumerateArray().Select(EllipseOf)]);

    public static void FillPolygons(ConditionCase c) => Fill(c, [.. c.Json("draw/polygons.json").EnumerateArray().Select(PointsOf)]);

    public static void Circles(ConditionCase c)
    {
        var canvas = new ImageBuffer(Width, Height, 3);
        foreach (var n in c.Json("draw/circles-list.json").EnumerateArray().Select(WholesOf))
            CircleFill.Draw(canvas, new PixelPoint(n[0], n[1]), n[2], [0, 85, 255]);
        c.Check(canvas);
    }

    public static void Lines(ConditionCase c)
    {
        var canvas = new ImageBuffer(Width, Height, 1);
        byte grey = 255;
        foreach (var n in c.Json("draw/lines-list.json").EnumerateArray().Select(WholesOf))
        {
            LineDrawing.Draw(canvas, new PixelPoint(n[0], n[1]), new PixelPoint(n[2], n[3]), [grey], c.Int("thickness"));
            grey -= 10;
        }

        c.Check(canvas);
    }

    public static void LineMap(ConditionCase c)
    {
        var image = c.Image;
        LineSegment[] lines = [.. c.Json(c.Parameter("lines").GetString()!).EnumerateArray().Select(LineOf)];
        c.Check(LineSegments.Draw(lines, image.Width, image.Height));

        static LineSegment LineOf(JsonElement n) => new(n[0].GetSingle(), n[1].GetSingle(), n[2].GetSingle(), n[3].GetSingle(), n[4].GetSingle());
    }

    private static void Fill(ConditionCase c, PixelPoint[][] polygons)
    {
        var canvas = new ImageBuffer(Width, Height, 3);
        for (var i = 0; i < polygons.Length; i++)
            PolygonFill.Draw(canvas, polygons[i], [(byte)(255 * (1 - (i / 20.0))), (byte)(170 * (1 - (i / 20.0))), 0]);
        c.Check(canvas);
    }

    private static PixelPoint[] EllipseOf(JsonElement row)
    {
        int[] n = [.. row.EnumerateArray().Take(5).Select(e => e.GetInt32())];
        return EllipsePolygon.Points(new PixelPoint(n[0], n[1]), n[2], n[3], n[4]);
    }

    private static PixelPoint[] PointsOf(JsonElement list) => [.. list.EnumerateArray().Select(p => new PixelPoint(p[0].GetInt32(), p[1].GetInt32()))];

    private static int[] WholesOf(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
