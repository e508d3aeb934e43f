using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Line maps, the condition of the mlsd networks.</summary>
public static class LineSegments
{
    /// <summary>Draws lines one pixel wide, white on black; ends are truncated to whole pixels, and may be outside the image.</summary>
    /// <param name="lines">The lines; all are drawn, regardless of their score.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <returns>One channel of 0 and 255.</returns>
    public static ImageBuffer Draw(IReadOnlyList<LineSegment> lines, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var map = new ImageBuffer(width, height, 1);
        foreach (var line in lines)
            LineDrawing.Draw(map, new PixelPoint((int)line.X0, (int)line.Y0), new PixelPoint((int)line.X1, (int)line.Y1), [byte.MaxValue]);
        return map;
    }
}
