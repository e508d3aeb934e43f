using System.Buffers;
using System.Numerics;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// The Sobel gradients of an image, row by row: at each pixel those of the channel with the largest norm, the first on ties.
/// Only the rows that Canny needs are kept: three of gradients, and as many of the image as the kernel is high.
/// </summary>
internal sealed class CannyGradients : IDisposable
{
    /// <summary>Divisor of gradients of aperture 7, so that they fit into 16 bits.</summary>
    public const int WideDivisor = 16;

    private const int Held = 3;
    private readonly ImageBuffer _image;
    private readonly bool _squared;
    private readonly short[] _smooth;
    private readonly short[] _derive;
    private readonly int _radius;
    private readonly int _stride;
    private readonly short[] _rows;
    private readonly int[] _norms;
    private int _loaded;

    public CannyGradients(ImageBuffer image, int aperture, bool squared)
    {
        (_image, _squared, _radius) = (image, squared, aperture / 2);
        (_smooth, _derive) = aperture switch
        {
            3 => ((short[])[1, 2, 1], (short[])[-1, 0, 1]),
            5 => ([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]),
            7 => ([1, 6, 15, 20, 15, 6, 1], [-1, -4, -5, 0, 5, 4, 1]),
            _ => throw new ArgumentOutOfRangeException(nameof(aperture), aperture, "Not 3, 5 or 7."),
        };

        // The last vector of a row may reach beyond its pixels, never beyond its stride.
        _stride = checked(image.Width + (2 * _radius) + Vector<short>.Count);
        _rows = ArrayPool<short>.Shared.Rent(checked(RowCount * _stride));
        _norms = ArrayPool<int>.Shared.Rent(checked(Held * _stride));
        Array.Clear(_norms);
    }

    // In _rows: the image's rows, one plane per channel; then the working rows of one channel; then the kept gradients.
    private int Aperture => _smooth.Length;

    private int InTheMaking => _image.Channels * Aperture;

    private int Kept => InTheMaking + 4;

    private int RowCount => Kept + (2 * Held);

    /// <summary>The gradients' norms in a row, with a zero before the first and after the last.</summary>
    public ReadOnlySpan<int> Norms(int y) => NormsOf(y);

    /// <summary>The horizontal gradients in a row.</summary>
    public ReadOnlySpan<short> Across(int y) => Row(Kept + Slot(y));

    /// <summary>The vertical gradients in a row.</summary>
    public ReadOnlySpan<short> Down(int y) => Row(Kept + Held + Slot(y));

    /// <summary>Computes a row; rows have to be computed in order. The rows above the first and below the last have norms of 0.</summary>
    public void Compute(int y)
    {
        var norms = NormsOf(y);
        if (y == _image.Height)
        {
            norms.Clear();
            return;
        }

        for (; _loaded <= Math.Min(y + _radius, _image.Height - 1); _loaded++)
            Load(_loaded);
        for (var channel = 0; channel < _image.Channels; channel++)
        {
            PassDown(channel, y);
            PassAcross();
            Keep(y, norms[1..], isFirst: channel == 0);
        }

        norms[_image.Width + 1] = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<short>.Shared.Return(_rows);
        ArrayPool<int>.Shared.Return(_norms);
    }

    private static int Slot(int y) => (y + Held) % Held;

    private Span<short> Row(int index) => _rows.AsSpan(index * _stride, _stride);

    private Span<int> NormsOf(int y) => _norms.AsSpan(Slot(y) * _stride, _stride);

    // Samples are widened to 16 bits and made planar here, once; the margins repeat the first and last samples.
    private void Load(int y)
    {
        ReadOnlySpan<byte> source = _image.Row(y);
        var channels = _image.Channels;
        for (var channel = 0; channel < channels; channel++)
        {
            var row = Row((y % Aperture * channels) + channel);
            var pixels = row.Slice(_radius, _image.Width);
            for (int x = 0, s = channel; x < pixels.Length; x++, s += channels)
                pixels[x] = source[s];
            row[.._radius].Fill(pixels[0]);
            row[(_radius + pixels.Length)..].Fill(pixels[^1]);
        }
    }

    private void PassDown(int channel, int y)
    {
        var smoothed = Row(InTheMaking);
        var derived = Row(InTheMaking + 1);
        smoothed.Clear();
        derived.Clear();
        for (var k = 0; k < Aperture; k++)
        {
            var at = Math.Clamp(y + k - _radius, 0, _image.Height - 1);
            ReadOnlySpan<short> source = Row((at % Aperture * _image.Channels) + channel);
            AddScaled(source, _smooth[k], smoothed);
            AddScaled(source, _derive[k], derived);
        }
    }

    private void AddScaled(ReadOnlySpan<short> source, short weight, Span<short> sums)
    {
        if (weight == 0)
            return;
        var end = _image.Width + (2 * _radius);
        for (var x = 0; x < end; x += Vector<short>.Count)
            (new Vector<short>(sums[x..]) + (new Vector<short>(source[x..]) * weight)).CopyTo(sums[x..]);
    }

    private void PassAcross()
    {
        ReadOnlySpan<short> smoothed = Row(InTheMaking);
        ReadOnlySpan<short> derived = Row(InTheMaking + 1);
        var across = Row(InTheMaking + 2);
        var down = Row(InTheMaking + 3);
        for (var x = 0; x < _image.Width; x += Vector<short>.Count)
        {
            if (Aperture == 7)
            {
                WideSum(smoothed[x..], _derive).CopyTo(across[x..]);
                WideSum(derived[x..], _smooth).CopyTo(down[x..]);
            }
            else
            {
                Sum(smoothed[x..], _derive).CopyTo(across[x..]);
                Sum(derived[x..], _smooth).CopyTo(down[x..]);
            }
        }
    }

    private static Vector<short> Sum(ReadOnlySpan<short> source, short[] weights)
    {
        var sum = Vector<short>.Zero;
        for (var k = 0; k < weights.Length; k++)
        {
            if (weights[k] != 0)
                sum += new Vector<short>(source[k..]) * weights[k];
        }

        return sum;
    }

    // Divided by 16 and rounded half to even.
    private static Vector<short> WideSum(ReadOnlySpan<short> source, short[] weights)
    {
        var (lower, upper) = (Vector<int>.Zero, Vector<int>.Zero);
        for (var k = 0; k < weights.Length; k++)
        {
            Vector.Widen(new Vector<short>(source[k..]), out var low, out var high);
            lower += low * weights[k];
            upper += high * weights[k];
        }

        return Vector.Narrow(Sixteenth(lower), Sixteenth(upper));

        static Vector<int> Sixteenth(Vector<int> sum) => (sum + new Vector<int>(7) + ((sum >> 4) & Vector<int>.One)) >> 4;
    }

    // The first channel's gradients are used unless another channel's norm is larger.
    private void Keep(int y, Span<int> norms, bool isFirst)
    {
        ReadOnlySpan<short> newAcross = Row(InTheMaking + 2);
        ReadOnlySpan<short> newDown = Row(InTheMaking + 3);
        var across = Row(Kept + Slot(y));
        var down = Row(Kept + Held + Slot(y));
        var half = Vector<int>.Count;
        for (var x = 0; x < _image.Width; x += Vector<short>.Count)
        {
            var dx = new Vector<short>(newAcross[x..]);
            var dy = new Vector<short>(newDown[x..]);
            Measure(dx, dy, out var lower, out var upper);
            if (!isFirst)
            {
                var heldLower = new Vector<int>(norms[x..]);
                var heldUpper = new Vector<int>(norms[(x + half)..]);
                var larger = Vector.Narrow(Vector.GreaterThan(lower, heldLower), Vector.GreaterThan(upper, heldUpper));
                dx = Vector.ConditionalSelect(larger, dx, new Vector<short>(across[x..]));
                dy = Vector.ConditionalSelect(larger, dy, new Vector<short>(down[x..]));
                lower = Vector.Max(lower, heldLower);
                upper = Vector.Max(upper, heldUpper);
            }

            dx.CopyTo(across[x..]);
            dy.CopyTo(down[x..]);
            lower.CopyTo(norms[x..]);
            upper.CopyTo(norms[(x + half)..]);
        }
    }

    private void Measure(Vector<short> dx, Vector<short> dy, out Vector<int> lower, out Vector<int> upper)
    {
        if (!_squared)
        {
            // At most 24,480, with aperture 5.
            Vector.Widen(Vector.Abs(dx) + Vector.Abs(dy), out lower, out upper);
            return;
        }

        Vector.Widen(dx, out var lowerX, out var upperX);
        Vector.Widen(dy, out var lowerY, out var upperY);
        lower = (lowerX * lowerX) + (lowerY * lowerY);
        upper = (upperX * upperX) + (upperY * upperY);
    }
}
