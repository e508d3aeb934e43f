using System.Numerics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// OpenCV's INTER_AREA where both sides shrink: every target pixel is the mean of the source area that it covers.
/// Whole-number ratios sum blocks; others weigh the cells at the rim, in float32, rows first.
/// </summary>
internal static class AreaResize
{
    // A rim narrower than this counts as none.
    private const double Sliver = 1e-3;

    public static ImageBuffer Apply(ImageBuffer image, int width, int height)
    {
        var result = new ImageBuffer(width, height, image.Channels);
        if (image.Width % width == 0 && image.Height % height == 0)
        {
            BlockMeans(image, result);
            return result;
        }

        var samples = Weighted<byte>(image.Samples, image.Width, image.Height, image.Channels, width, height);
        for (var i = 0; i < samples.Length; i++)
            result.Samples[i] = (byte)Math.Clamp(MathF.Round(samples[i]), 0, 255);
        return result;
    }

    /// <summary>The weighted means of any kind of sample; whole-number ratios need no case of their own here.</summary>
    public static float[] Weighted<T>(ReadOnlySpan<T> source, int sourceWidth, int sourceHeight, int channels, int width, int height)
        where T : unmanaged, INumberBase<T>
    {
        var columns = Cells(sourceWidth, width);
        var rows = Cells(sourceHeight, height);
        var length = width * channels;
        var result = new float[checked(length * height)];
        var line = new float[length];
        foreach (var row in rows)
        {
            Array.Clear(line);
            var from = source.Slice(row.Source * sourceWidth * channels, sourceWidth * channels);
            foreach (var column in columns)
            {
                var (s, t) = (column.Source * channels, column.Target * channels);
                for (var c = 0; c < channels; c++)
                    line[t + c] += float.CreateTruncating(from[s + c]) * column.Weight;
            }

            var sums = result.AsSpan(row.Target * length, length);
            for (var i = 0; i < sums.Length; i++)
                sums[i] += line[i] * row.Weight;
        }

        return result;
    }

    private static void BlockMeans(ImageBuffer image, ImageBuffer result)
    {
        var (across, down, channels) = (image.Width / result.Width, image.Height / result.Height, image.Channels);
        var share = 1f / ((long)across * down);
        var sums = new int[result.Width * channels];
        for (var y = 0; y < result.Height; y++)
        {
            Array.Clear(sums);
            for (var k = 0; k < down; k++)
            {
                var source = image.Row((y * down) + k);
                for (var x = 0; x < source.Length; x += channels)
                {
                    var block = x / channels / across * channels;
                    for (var c = 0; c < channels; c++)
                        sums[block + c] += source[x + c];
                }
            }

            var target = result.Row(y);
            for (var i = 0; i < target.Length; i++)
                target[i] = across == 2 && down == 2 ? (byte)((sums[i] + 2) >> 2) : (byte)Math.Min(MathF.Round(sums[i] * share), 255);
        }
    }

    // Which source cells a target cell covers, and by how much; in the order in which OpenCV adds them up.
    private static List<Cell> Cells(int source, int target)
    {
        var scale = Resize.Scale(source, target);
        var cells = new List<Cell>();
        for (var t = 0; t < target; t++)
        {
            var start = t * scale;
            var end = start + scale;
            var width = Math.Min(scale, source - start);
            var last = Math.Min((int)Math.Floor(end), source - 1);
            var first = Math.Min((int)Math.Ceiling(start), last);
            if (first - start > Sliver)
                cells.Add(new Cell(first - 1, t, (float)((first - start) / width)));
            for (var s = first; s < last; s++)
                cells.Add(new Cell(s, t, (float)(1 / width)));
            if (end - last > Sliver)
                cells.Add(new Cell(last, t, (float)(Math.Min(Math.Min(end - last, 1), width) / width)));
        }

        return cells;
    }

    private readonly record struct Cell(int Source, int Target, float Weight);
}
