using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Shared code of loops over rows of samples. Working rows are padded to whole vectors, so that only reads and writes of an image's
/// own rows have to check for their end.
/// </summary>
internal static class RowVectors
{
    /// <summary>A row's length, padded so that a vector of bytes may begin at any sample.</summary>
    public static int Padded(int length) => checked(length + Vector<byte>.Count);

    /// <summary>
    /// Repeats the first and the last pixel of a row into the margins of <paramref name="reach"/> pixels before and after it.
    /// </summary>
    public static void RepeatEdges<T>(Span<T> row, int width, int channels, int reach)
    {
        var first = row.Slice(reach * channels, channels);
        var last = row.Slice((reach + width - 1) * channels, channels);
        for (var k = 0; k < reach; k++)
        {
            first.CopyTo(row[(k * channels)..]);
            last.CopyTo(row[((reach + width + k) * channels)..]);
        }
    }

    /// <summary>Fills the same margins with the row reflected at its edge pixels, which are not repeated (reflect-101).</summary>
    public static void MirrorEdges<T>(Span<T> row, int width, int channels, int reach)
    {
        for (var k = 1; k <= reach; k++)
        {
            row.Slice((reach + Mirror(-k, width)) * channels, channels).CopyTo(row[((reach - k) * channels)..]);
            row.Slice((reach + Mirror(width - 1 + k, width)) * channels, channels).CopyTo(row[((reach + width - 1 + k) * channels)..]);
        }
    }

    /// <summary>Maps a position outside 0..size-1 into the image by reflecting at its edges, repeatedly if needed.</summary>
    public static int Mirror(int at, int size)
    {
        if (size == 1)
            return 0;
        var period = 2 * (size - 1);
        at = ((at % period) + period) % period;
        return at < size ? at : period - at;
    }

    /// <summary>Loads the first samples; those beyond the end are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<byte> Load(ReadOnlySpan<byte> samples) =>
        samples.Length >= Vector<byte>.Count ? new Vector<byte>(samples) : LoadPart(samples);

    /// <summary>The products of two vectors, with neighbouring pairs summed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> PairSums(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported
        ? Sse2.MultiplyAddAdjacent(a, b)
        : (((a.AsInt32() << 16) >> 16) * ((b.AsInt32() << 16) >> 16)) + ((a.AsInt32() >> 16) * (b.AsInt32() >> 16));

    /// <summary>The upper halves of the products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<short> MultiplyHigh(Vector<short> a, Vector<short> b)
    {
        if (Avx2.IsSupported && Vector<short>.Count == Vector256<short>.Count)
            return Avx2.MultiplyHigh(a.AsVector256(), b.AsVector256()).AsVector();
        if (Sse2.IsSupported && Vector<short>.Count == Vector128<short>.Count)
            return Sse2.MultiplyHigh(a.AsVector128(), b.AsVector128()).AsVector();
        Vector.Widen(a, out var lowerA, out var upperA);
        Vector.Widen(b, out var lowerB, out var upperB);
        return Vector.Narrow((lowerA * lowerB) >> 16, (upperA * upperB) >> 16);
    }

    /// <summary>Samples as floats.</summary>
    public static void Widen(ReadOnlySpan<byte> samples, Span<float> row)
    {
        var i = 0;
        for (; i <= samples.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(samples[i..]), out var lower, out var upper);
            Store(lower, row[i..]);
            Store(upper, row[(i + Vector<ushort>.Count)..]);
        }

        for (; i < samples.Length; i++)
            row[i] = samples[i];

        static void Store(Vector<ushort> samples, Span<float> row)
        {
            Vector.Widen(samples, out var lower, out var upper);
            Vector.ConvertToSingle(lower.As<uint, int>()).CopyTo(row);
            Vector.ConvertToSingle(upper.As<uint, int>()).CopyTo(row[Vector<float>.Count..]);
        }
    }

    /// <summary>Rounds half to even and limits to 0..255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Level(Vector<float> sums) => Level(Vector.ConvertToInt32Native(Vector.Round(sums)));

    /// <summary>Limits to 0..255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Level(Vector<int> sums) => Vector.Min(Vector.Max(sums, Vector<int>.Zero), new Vector<int>(255));

    /// <summary>Writes samples of 0..255 to a row from i on, up to its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<int> a, Vector<int> b, Vector<int> c, Vector<int> d, Span<byte> row, int i) =>
        Store(Vector.Narrow(Vector.Narrow(a, b).As<short, ushort>(), Vector.Narrow(c, d).As<short, ushort>()), row, i);

    /// <summary>Writes samples to a row from i on, up to its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<byte> samples, Span<byte> row, int i)
    {
        if (i <= row.Length - Vector<byte>.Count)
            samples.CopyTo(row[i..]);
        else
            StorePart(samples, row[i..]);
    }

    private static Vector<byte> LoadPart(ReadOnlySpan<byte> samples)
    {
        Span<byte> all = stackalloc byte[Vector<byte>.Count];
        all.Clear();
        samples.CopyTo(all);
        return new Vector<byte>(all);
    }

    private static void StorePart(Vector<byte> samples, Span<byte> row)
    {
        Span<byte> all = stackalloc byte[Vector<byte>.Count];
        samples.CopyTo(all);
        all[..row.Length].CopyTo(row);
    }
}
