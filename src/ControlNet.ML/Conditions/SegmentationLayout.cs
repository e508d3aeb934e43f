using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>A labelled region of an image.</summary>
/// <param name="Label">Its class, an index of the palette.</param>
/// <param name="Outline">Its corners in order, at least three, in pixels; edges may cross, and are filled by the even-odd rule.</param>
public sealed record SegmentationRegion(int Label, IReadOnlyList<(double X, double Y)> Outline)
{
    /// <summary>A box.</summary>
    /// <param name="label">Its class.</param>
    /// <param name="left">Left edge, in pixels.</param>
    /// <param name="top">Top edge.</param>
    /// <param name="right">Right edge, not below the left one.</param>
    /// <param name="bottom">Bottom edge, not above the top one.</param>
    /// <returns>The region.</returns>
    public static SegmentationRegion Box(int label, double left, double top, double right, double bottom) =>
        new(label, [(left, top), (right, top), (right, bottom), (left, bottom)]);
}

/// <summary>A segmentation map without a photo: a size, a background class, and regions on it, later ones in front.</summary>
public sealed record SegmentationLayout
{
    /// <summary>Columns, at least 1.</summary>
    public required int Width { get; init; }

    /// <summary>Rows, at least 1.</summary>
    public required int Height { get; init; }

    /// <summary>The classes and colors.</summary>
    /// <value><see cref="SegmentationPalette.Ade20k"/>.</value>
    public SegmentationPalette Palette { get; init; } = SegmentationPalette.Ade20k;

    /// <summary>The class of pixels that no region covers.</summary>
    /// <value><see cref="SegmentationPalette.NoLabel"/>: black.</value>
    public int Background { get; init; } = SegmentationPalette.NoLabel;

    /// <summary>The regions, back to front.</summary>
    /// <value>None.</value>
    public IReadOnlyList<SegmentationRegion> Regions { get; init; } = [];

    /// <summary>Draws the map at its own size.</summary>
    /// <returns>RGB.</returns>
    /// <exception cref="ControlNetException">A label is not in the palette.</exception>
    public ImageBuffer Draw() => Draw(Width, Height);

    /// <summary>Draws the map stretched to a size: not resampled, so that its edges stay sharp and its colors exact.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <returns>RGB.</returns>
    /// <exception cref="ControlNetException">A label is not in the palette.</exception>
    public ImageBuffer Draw(int width, int height)
    {
        var labels = new ImageBuffer(width, height, 1);
        Array.Fill(labels.Samples, Checked(Background));
        var (across, down) = ((double)width / Width, (double)height / Height);
        foreach (var region in Regions)
            Fill(labels, [.. region.Outline.Select(corner => (corner.X * across, corner.Y * down))], Checked(region.Label));
        return Palette.ToColors(labels);
    }

    private byte Checked(int label) => label == SegmentationPalette.NoLabel || (label >= 0 && label < Palette.Classes.Count)
        ? (byte)label
        : throw new ControlNetException($"The label {label} is not in '{Palette.Name}', expected 0 to {Palette.Classes.Count - 1}.");

    /// <summary>Fills the pixels whose centres are inside.</summary>
    private static void Fill(ImageBuffer labels, (double X, double Y)[] corners, byte label)
    {
        var top = Math.Max(0, (int)Math.Floor(corners.Min(corner => corner.Y)));
        var bottom = Math.Min(labels.Height - 1, (int)Math.Min(corners.Max(corner => corner.Y), labels.Height));
        List<double> crossings = [];
        for (var y = top; y <= bottom; y++)
        {
            crossings.Clear();
            var middle = y + 0.5;
            for (var i = 0; i < corners.Length; i++)
            {
                var (a, b) = (corners[i], corners[(i + 1) % corners.Length]);
                if ((a.Y <= middle) != (b.Y <= middle))
                    crossings.Add(a.X + ((middle - a.Y) / (b.Y - a.Y) * (b.X - a.X)));
            }

            crossings.Sort();
            for (var i = 0; i + 1 < crossings.Count; i += 2)
            {
                var (left, right) = (Column(crossings[i], labels.Width), Column(crossings[i + 1], labels.Width));
                labels.Row(y)[left..Math.Max(left, right)].Fill(label);
            }
        }
    }

    /// <summary>The first column whose centre is at or to the right of x.</summary>
    private static int Column(double x, int width) => (int)Math.Clamp(Math.Ceiling(x - 0.5), 0, width);
}
