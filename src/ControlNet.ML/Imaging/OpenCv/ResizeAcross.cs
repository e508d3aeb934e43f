using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// The horizontal half of <see cref="SeparableResize"/>. Four target samples are computed at once, across pixel boundaries: their
/// first two taps are within 16 source bytes, unless the image shrinks a lot, and a shuffle aligns them. The following taps
/// are two pixels further each time, so the same shuffle works for them.
/// </summary>
internal sealed class ResizeAcross
{
    private const int Lanes = 4;
    private const int Window = 16;
    private readonly ResizeTaps _taps;
    private readonly int _channels;

    // For every four samples: the start of their window; the bytes in it that are their first and second taps; and the weights of each two
    // taps.
    private readonly (int Start, ulong Picks)[] _groups;
    private readonly short[] _weights;
    private readonly bool _fits = true;

    public ResizeAcross(ResizeTaps taps, int width, int channels)
    {
        (_taps, _channels) = (taps, channels);
        var length = width * channels;
        _groups = new (int, ulong)[((length + (2 * Lanes) - 1) / (2 * Lanes)) * 2];
        _weights = new short[checked(_groups.Length * taps.Count * Lanes)];
        Span<int> firsts = stackalloc int[Lanes];
        for (var g = 0; g < _groups.Length; g++)
        {
            for (var lane = 0; lane < Lanes; lane++)
            {
                var (pixel, channel) = Math.DivRem(Math.Min((g * Lanes) + lane, length - 1), channels);
                firsts[lane] = First(pixel) + channel;
                var weights = taps.Of(pixel);
                for (var k = 0; k < weights.Length; k++)
                    _weights[((((g * weights.Length) + (k & ~1)) * Lanes) + (2 * lane)) + (k & 1)] = weights[k];
            }

            var start = Math.Min(Math.Min(firsts[0], firsts[1]), Math.Min(firsts[2], firsts[3]));
            var picks = 0ul;
            for (var lane = Lanes - 1; lane >= 0; lane--)
            {
                var pick = firsts[lane] - start;
                _fits &= pick + channels < Window;
                picks = (picks << 16) | (uint)((pick + channels) << 8) | (uint)pick;
            }

            _groups[g] = (start, picks);
        }
    }

    /// <summary>The length of a source row with its margins of half as many pixels as taps before and after it.</summary>
    public int SourceLength(int width) => checked(((width + _taps.Count) * _channels) + Window);

    /// <summary>Computes a row: with four and eight taps in 2048ths; with two, for which 16 bits suffice, in 128ths.</summary>
    public void Apply(ReadOnlySpan<byte> source, Span<int> target)
    {
        if (!_fits)
            ApplyToPixels(source, target);
        else if (_taps.Count == 2)
            ApplyTwo(source, MemoryMarshal.Cast<int, short>(target));
        else
            ApplyMany(source, target);
    }

    private void ApplyTwo(ReadOnlySpan<byte> source, Span<short> target)
    {
        var weights = MemoryMarshal.Cast<short, Vector128<short>>(_weights);
        var groups = _groups.AsSpan();
        weights = weights[..groups.Length];
        for (var g = 0; g < groups.Length - 1; g += 2)
        {
            var lower = Sums(source, groups[g], weights[g]);
            var upper = Sums(source, groups[g + 1], weights[g + 1]);
            Vector128.Narrow(lower >> 4, upper >> 4).CopyTo(target[(g * Lanes)..]);
        }

        static Vector128<int> Sums(ReadOnlySpan<byte> source, (int Start, ulong Picks) group, Vector128<short> weights) =>
            RowVectors.PairSums(Pick(Vector128.Create(source[group.Start..]), Shuffle(group.Picks)), weights);
    }

    private void ApplyMany(ReadOnlySpan<byte> source, Span<int> target)
    {
        var weights = MemoryMarshal.Cast<short, Vector128<short>>(_weights);
        var reach = Window + ((_taps.Count - 2) * _channels);
        var (step, w) = (2 * _channels, 0);
        for (var g = 0; g < _groups.Length; g++)
        {
            var (start, picks) = _groups[g];
            var window = source.Slice(start, reach);
            var shuffle = Shuffle(picks);
            var sum = Vector128<int>.Zero;
            for (var at = 0; at <= reach - Window; at += step, w++)
                sum += RowVectors.PairSums(Pick(Vector128.Create(window[at..]), shuffle), weights[w]);
            sum.CopyTo(target[(g * Lanes)..]);
        }
    }

    // One pixel at a time, always as four samples: the surplus ones are overwritten by the next pixel.
    private void ApplyToPixels(ReadOnlySpan<byte> source, Span<int> target)
    {
        var narrow = MemoryMarshal.Cast<int, short>(target);
        for (int x = 0, i = 0; x < _taps.Starts.Length; x++, i += _channels)
        {
            var pixels = source[First(x)..];
            var weights = _taps.Of(x);
            var sum = Vector128<int>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += Bytes(BinaryPrimitives.ReadUInt32LittleEndian(pixels[(k * _channels)..])) * weights[k];
            if (weights.Length == 2)
                Vector128.Narrow(sum >> 4, sum).CopyTo(narrow[i..]);
            else
                sum.CopyTo(target[i..]);
        }

        static Vector128<int> Bytes(uint four) =>
            Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(four).AsByte())).AsInt32();
    }

    // Positions start half as many pixels as taps before the image.
    private int First(int pixel) => (_taps.Starts[pixel] + (_taps.Count / 2)) * _channels;

    private static Vector128<byte> Shuffle(ulong picks) => Vector128.WidenLower(Vector128.CreateScalar(picks).AsByte()).AsByte();

    private static Vector128<short> Pick(Vector128<byte> window, Vector128<byte> shuffle) =>
        Vector128.ShuffleNative(window, shuffle).AsInt16() & Vector128.Create((short)0xff);
}
