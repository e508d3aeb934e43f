using ControlNet.ML.Imaging;

namespace ControlNet.ML.Evaluation;

/// <summary>How well edges are preserved: precision, recall and F1 of edge pixels, which match within a tolerance.</summary>
/// <param name="Precision">Share of the found edge pixels that are near an expected one.</param>
/// <param name="Recall">
/// Share of the expected edge pixels that are near a found one. Both are 1 if neither map has edges, and 0 if only one has.
/// </param>
public sealed record EdgeFidelity(double Precision, double Recall)
{
    /// <summary>The harmonic mean of both, 0 to 1.</summary>
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;

    /// <summary>Compares two edge maps.</summary>
    /// <param name="expected">The edges to preserve: one channel, edges above 127.</param>
    /// <param name="found">The edges of the result, of the same size.</param>
    /// <param name="tolerance">The maximum Euclidean distance in pixels between matching edge pixels; not negative.</param>
    /// <returns>Precision, recall and F1.</returns>
    /// <exception cref="ArgumentException">The maps differ in size, or have several channels.</exception>
    public static EdgeFidelity Compare(ImageBuffer expected, ImageBuffer found, double tolerance = 2)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(found);
        ArgumentOutOfRangeException.ThrowIfNegative(tolerance);
        if (expected.Width != found.Width || expected.Height != found.Height || expected.Channels != 1 || found.Channels != 1)
            throw new ArgumentException($"The edge maps are {expected} and {found}, expected one size and one channel.", nameof(found));
        var (some, others) = (expected.Samples.Any(IsEdge), found.Samples.Any(IsEdge));
        return some && others
            ? new EdgeFidelity(Near(found, Around(expected, tolerance)), Near(expected, Around(found, tolerance)))
            : some || others ? new EdgeFidelity(0, 0) : new EdgeFidelity(1, 1);
    }

    private static bool IsEdge(byte level) => level > 127;

    /// <summary>All pixels within the tolerance of an edge.</summary>
    private static bool[] Around(ImageBuffer edges, double tolerance)
    {
        var (width, height, reach) = (edges.Width, edges.Height, (int)tolerance);
        var near = new bool[width * height];
        for (var at = 0; at < near.Length; at++)
        {
            if (!IsEdge(edges.Samples[at]))
                continue;
            var (x, y) = (at % width, at / width);
            for (var down = Math.Max(-reach, -y); down <= Math.Min(reach, height - 1 - y); down++)
            {
                for (var across = Math.Max(-reach, -x); across <= Math.Min(reach, width - 1 - x); across++)
                    near[at + (down * width) + across] |= (across * across) + (down * down) <= tolerance * tolerance;
            }
        }

        return near;
    }

    private static double Near(ImageBuffer edges, bool[] near)
    {
        var (all, good) = (0, 0);
        for (var at = 0; at < near.Length; at++)
        {
            if (!IsEdge(edges.Samples[at]))
                continue;
            all++;
            good += near[at] ? 1 : 0;
        }

        return (double)good / all;
    }
}
