using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// The vertical half of <see cref="SeparableResize"/>: a target row from two, four or eight horizontally resized rows.
/// Each interpolation rounds in its own way. The rows are in a ring buffer; a line is the offset of one.
/// </summary>
internal static class ResizeBlends
{
    // Each product loses its low bits before the sum, since OpenCV keeps them in 16 bits.
    public static void Two(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target)
    {
        var first = MemoryMarshal.Cast<int, Vector<short>>(ring[lines[0]..]);
        var second = MemoryMarshal.Cast<int, Vector<short>>(ring[lines[1]..]);
        var (a, b) = (new Vector<short>(weights[0]), new Vector<short>(weights[1]));
        for (int i = 0, v = 0; i < target.Length; i += Vector<byte>.Count, v += 2)
        {
            var u = first.Slice(v, 2);
            var w = second.Slice(v, 2);
            RowVectors.Store(Vector.Narrow(Mix(u[0], w[0], a, b), Mix(u[1], w[1], a, b)), target, i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector<ushort> Mix(Vector<short> first, Vector<short> second, Vector<short> a, Vector<short> b) =>
            ((RowVectors.MultiplyHigh(first, a) + RowVectors.MultiplyHigh(second, b) + new Vector<short>(2)) >> 2).As<short, ushort>();
    }

    // OpenCV's vector code works on eight samples in float32; the remaining samples of a row are computed in integers.
    public static void Four(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target)
    {
        var whole = target.Length & ~7;
        Floats(ring, lines, weights, target[..whole]);
        Integers(ring, lines, weights, target, whole);
    }

    public static void Eight(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target) =>
        Integers(ring, lines, weights, target, 0);

    private static void Floats(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target)
    {
        const float Unit = 1f / (1 << 22);
        var r0 = Vectors(ring[lines[0]..]);
        var r1 = Vectors(ring[lines[1]..]);
        var r2 = Vectors(ring[lines[2]..]);
        var r3 = Vectors(ring[lines[3]..]);
        var (c0, c1) = (new Vector<float>(weights[0] * Unit), new Vector<float>(weights[1] * Unit));
        var (c2, c3) = (new Vector<float>(weights[2] * Unit), new Vector<float>(weights[3] * Unit));
        Span<Vector<int>> levels = stackalloc Vector<int>[4];
        for (int i = 0, v = 0; i < target.Length; i += Vector<byte>.Count)
        {
            foreach (ref var level in levels)
            {
                level = RowVectors.Level((Row(r0, v) * c0) + ((Row(r1, v) * c1) + ((Row(r2, v) * c2) + (Row(r3, v) * c3))));
                v++;
            }

            RowVectors.Store(levels[0], levels[1], levels[2], levels[3], target, i);
        }

        static Vector<float> Row(ReadOnlySpan<Vector<int>> row, int v) => Vector.ConvertToSingle(row[v]);
    }

    private static void Integers(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target, int start)
    {
        for (var i = start; i < target.Length; i += Vector<byte>.Count)
        {
            var a = new Vector<int>(1 << 21);
            var (b, c, d) = (a, a, a);
            for (var k = 0; k < weights.Length; k++)
            {
                var row = Vectors(ring.Slice(lines[k] + i, Vector<byte>.Count))[..4];
                var weight = new Vector<int>(weights[k]);
                a += row[0] * weight;
                b += row[1] * weight;
                c += row[2] * weight;
                d += row[3] * weight;
            }

            RowVectors.Store(
                RowVectors.Level(a >> 22), RowVectors.Level(b >> 22), RowVectors.Level(c >> 22), RowVectors.Level(d >> 22), target, i);
        }
    }

    private static ReadOnlySpan<Vector<int>> Vectors(ReadOnlySpan<int> row) => MemoryMarshal.Cast<int, Vector<int>>(row);
}
