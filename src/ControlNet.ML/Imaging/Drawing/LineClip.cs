namespace ControlNet.ML.Imaging;

/// <summary>cv2.clipLine on integers of any scale.</summary>
internal static class LineClip
{
    private const int Left = 1;
    private const int Right = 2;
    private const int Above = 4;
    private const int Below = 8;

    /// <summary>Clips a line to an image, first vertically, then horizontally; new ends are truncated.</summary>
    /// <returns>Whether any part of the line is inside.</returns>
    public static bool Clip(long width, long height, ref (long X, long Y) a, ref (long X, long Y) b)
    {
        var (right, bottom) = (width - 1, height - 1);
        int outsideA = Sides(a), outsideB = Sides(b);
        if ((outsideA & outsideB) != 0)
            return false;
        ClipRows(ref a, b, ref outsideA);
        ClipRows(ref b, a, ref outsideB);
        if ((outsideA & outsideB) != 0)
            return false;
        ClipColumns(ref a, b, outsideA);
        ClipColumns(ref b, a, outsideB);
        return true;

        int Sides((long X, long Y) p) => Columns(p) | (p.Y < 0 ? Above : p.Y > bottom ? Below : 0);

        int Columns((long X, long Y) p) => p.X < 0 ? Left : p.X > right ? Right : 0;

        void ClipRows(ref (long X, long Y) p, (long X, long Y) other, ref int outside)
        {
            if ((outside & (Above | Below)) == 0)
                return;
            var border = (outside & Above) != 0 ? 0 : bottom;
            p = (p.X + Part(border - p.Y, other.X - p.X, other.Y - p.Y), border);
            outside = Columns(p);
        }

        void ClipColumns(ref (long X, long Y) p, (long X, long Y) other, int outside)
        {
            if (outside == 0)
                return;
            var border = outside == Left ? 0 : right;
            p = (border, p.Y + Part(border - p.X, other.Y - p.Y, other.X - p.X));
        }
    }

    private static long Part(long distance, long rise, long run) => (long)((double)distance * rise / run);
}
