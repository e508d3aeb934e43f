using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Canny edges, bit for bit as cv2.Canny: white lines one pixel wide on black. At each pixel the channel with the
/// largest gradient decides (alpha counts as a channel; see <see cref="Color.Hwc3"/>), so the edges of a color image
/// differ from those of its grey version.
/// </summary>
public static class Canny
{
    // Edge candidates: between the two thresholds.
    private const byte Weak = 1;
    private const byte Edge = 255;

    /// <summary>Finds the edges of an image.</summary>
    /// <param name="image">1, 3 or 4 channels, any size.</param>
    /// <param name="options">Thresholds and gradient; null for 100, 200, L1, 3.</param>
    /// <returns>One channel of 0 and 255, the image's size.</returns>
    /// <exception cref="ControlNetException">An option is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, CannyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options ??= new CannyOptions();
        options.Check();
        var (low, high) = Thresholds(options);
        var result = new ImageBuffer(image.Width, image.Height, 1);
        using var gradients = new CannyGradients(image, options.Aperture, options.L2Gradient);
        using var found = new EdgeStack();

        // Row y is processed once the gradients of row y + 1 are known.
        gradients.Compute(0);
        for (var y = 0; y < image.Height; y++)
        {
            gradients.Compute(y + 1);
            Suppress(gradients, y, low, high, result.Row(y), found);
        }

        Connect(result, found);
        return result;
    }

    private static (int Low, int High) Thresholds(CannyOptions options)
    {
        var (low, high) = (Math.Min(options.Low, options.High), Math.Max(options.Low, options.High));
        if (options.Aperture == 7)
            (low, high) = (low / CannyGradients.WideDivisor, high / CannyGradients.WideDivisor);
        if (options.L2Gradient)
            (low, high) = (Squared(low), Squared(high));
        return (Floor(low), Floor(high));

        static double Squared(double threshold) => Math.Min(short.MaxValue, threshold) * Math.Min(short.MaxValue, threshold);
        static int Floor(double threshold) => (int)Math.Min(Math.Floor(threshold), int.MaxValue);
    }

    /// <summary>
    /// Non-maximum suppression of one row: strong maxima become edges and seeds of the hysteresis, weak ones candidates.
    /// </summary>
    private static void Suppress(CannyGradients gradients, int y, int low, int high, Span<byte> target, EdgeStack found)
    {
        // Each row of norms has a zero before and after it.
        var above = gradients.Norms(y - 1);
        var here = gradients.Norms(y);
        var below = gradients.Norms(y + 1);
        var across = gradients.Across(y);
        var down = gradients.Down(y);
        var floor = new Vector<int>(low);
        for (var x = 0; x < target.Length; x++)
        {
            // Most of an image is no edge: skip it in strides.
            while (x + Vector<int>.Count <= target.Length && Vector.LessThanOrEqualAll(new Vector<int>(here[(x + 1)..]), floor))
                x += Vector<int>.Count;
            if (x == target.Length)
                break;

            var norm = here[x + 1];
            if (norm <= low || !IsMaximum(above, here, below, x + 1, across[x], down[x]))
                continue;
            if (norm > high)
            {
                target[x] = Edge;
                found.Push(x, y);
            }
            else
            {
                target[x] = Weak;
            }
        }
    }

    private static bool IsMaximum(ReadOnlySpan<int> above, ReadOnlySpan<int> here, ReadOnlySpan<int> below, int x, int dx, int dy)
    {
        // tan 22.5° in 2^15ths; tan 67.5° is that plus 2.
        const int Tangent = 13573;
        var norm = here[x];
        var run = Math.Abs(dx);
        var rise = Math.Abs(dy) << 15;
        var flat = run * Tangent;
        if (rise < flat)
            return norm > here[x - 1] && norm >= here[x + 1];
        if (rise > flat + (run << 16))
            return norm > above[x] && norm >= below[x];
        var step = (dx ^ dy) < 0 ? -1 : 1;
        return norm > above[x - step] && norm > below[x + step];
    }

    /// <summary>Hysteresis: candidates connected to an edge become edges, all others are removed.</summary>
    private static void Connect(ImageBuffer map, EdgeStack found)
    {
        var (samples, width, height) = (map.Samples, map.Width, map.Height);
        while (found.TryPop(out var x, out var y))
        {
            var (left, right) = (Math.Max(x - 1, 0), Math.Min(x + 1, width - 1));
            for (var row = Math.Max(y - 1, 0); row <= Math.Min(y + 1, height - 1); row++)
            {
                for (var column = left; column <= right; column++)
                {
                    ref var sample = ref samples[(row * width) + column];
                    if (sample != Weak)
                        continue;
                    sample = Edge;
                    found.Push(column, row);
                }
            }
        }

        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(samples.AsSpan());
        foreach (ref var vector in vectors)
            vector = Vector.Equals(vector, new Vector<byte>(Edge));
        foreach (ref var sample in samples.AsSpan(vectors.Length * Vector<byte>.Count))
            sample = sample == Edge ? Edge : byte.MinValue;
    }

    /// <summary>Edges whose neighbours are not yet visited.</summary>
    private sealed class EdgeStack : IDisposable
    {
        private (int X, int Y)[] _items = ArrayPool<(int, int)>.Shared.Rent(4096);
        private int _count;

        public void Push(int x, int y)
        {
            if (_count == _items.Length)
                Grow();
            _items[_count++] = (x, y);
        }

        public bool TryPop(out int x, out int y)
        {
            (x, y) = _count > 0 ? _items[_count - 1] : default;
            return _count-- > 0;
        }

        public void Dispose() => ArrayPool<(int, int)>.Shared.Return(_items);

        private void Grow()
        {
            var larger = ArrayPool<(int, int)>.Shared.Rent(checked(_items.Length * 2));
            _items.AsSpan(0, _count).CopyTo(larger);
            ArrayPool<(int, int)>.Shared.Return(_items);
            _items = larger;
        }
    }
}
