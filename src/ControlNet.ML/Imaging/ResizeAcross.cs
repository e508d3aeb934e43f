using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// The horizontal half of <see cref="SeparableResize"/>. Four target samples are made at once, whatever pixels they belong to: their
/// first taps lie within 16 source bytes, unless the picture shrinks a lot, and a shuffle brings them into line. The taps that follow
/// lie a pixel further each, so the same shuffle serves them.
/// </summary>
internal sealed class ResizeAcross
{
    private const int Lanes = 4;
    private const int Window = 16;
    private readonly ResizeTaps _taps;
    private readonly int _channels;

    // For every four samples: where their window begins, which of its bytes they take, and for each tap their four weights.
    private readonly (int Start, uint Picks)[] _groups;
    private readonly short[] _weights;
    private readonly bool _fits = true;

    public ResizeAcross(ResizeTaps taps, int width, int channels)
    {
        (_taps, _channels) = (taps, channels);
        var length = width * channels;
        _groups = new (int, uint)[(length + Lanes - 1) / Lanes];
        _weights = new short[checked((_groups.Length * taps.Count * Lanes) + Lanes)];
        Span<int> firsts = stackalloc int[Lanes];
        for (var g = 0; g < _groups.Length; g++)
        {
            for (var lane = 0; lane < Lanes; lane++)
            {
                var (pixel, channel) = Math.DivRem(Math.Min((g * Lanes) + lane, length - 1), channels);
                firsts[lane] = First(pixel) + channel;
                var weights = taps.Of(pixel);
                for (var k = 0; k < weights.Length; k++)
                    _weights[(((g * weights.Length) + k) * Lanes) + lane] = weights[k];
            }

            var start = Math.Min(Math.Min(firsts[0], firsts[1]), Math.Min(firsts[2], firsts[3]));
            var picks = 0u;
            for (var lane = 0; lane < Lanes; lane++)
            {
                var pick = firsts[lane] - start;
                _fits &= pick < Window;
                picks |= (uint)pick << (8 * lane);
            }

            _groups[g] = (start, picks);
        }
    }

    /// <summary>How long a source row must be with its margins, of half the taps' number of pixels before it and after it.</summary>
    public int SourceLength(int width) => checked(((width + _taps.Count) * _channels) + Window);

    /// <summary>Makes a row, scaled by 2048.</summary>
    public void Apply(ReadOnlySpan<byte> source, Span<int> target)
    {
        if (_fits)
            ApplyToSamples(source, target);
        else
            ApplyToPixels(source, target);
    }

    private void ApplyToSamples(ReadOnlySpan<byte> source, Span<int> target)
    {
        var weights = MemoryMarshal.Cast<short, Vector64<short>>(_weights);
        var reach = Window + ((_taps.Count - 1) * _channels);
        var (channels, w) = (_channels, 0);
        for (var g = 0; g < _groups.Length; g++)
        {
            var (start, picks) = _groups[g];
            ref var window = ref MemoryMarshal.GetReference(source.Slice(start, reach));
            var shuffle = Bytes(picks).AsByte();
            var sum = Vector128<int>.Zero;
            for (var at = 0; at <= reach - Window; at += channels, w++)
            {
                var samples = Vector128.ShuffleNative(Vector128.LoadUnsafe(ref window, (nuint)at), shuffle).AsInt32() & Vector128.Create(0xff);
                sum += samples * Vector128.WidenLower(weights[w].ToVector128Unsafe());
            }

            sum.CopyTo(target[(g * Lanes)..]);
        }
    }

    // A pixel at a time, always as four samples: those too many are overwritten by the next pixel.
    private void ApplyToPixels(ReadOnlySpan<byte> source, Span<int> target)
    {
        for (int x = 0, i = 0; x < _taps.Starts.Length; x++, i += _channels)
        {
            var pixels = source[First(x)..];
            var weights = _taps.Of(x);
            var sum = Vector128<int>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += Bytes(BinaryPrimitives.ReadUInt32LittleEndian(pixels[(k * _channels)..])) * weights[k];
            sum.CopyTo(target[i..]);
        }
    }

    // Positions begin half the taps before the picture.
    private int First(int pixel) => (_taps.Starts[pixel] + (_taps.Count / 2)) * _channels;

    private static Vector128<int> Bytes(uint four) => Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(four).AsByte())).AsInt32();
}
