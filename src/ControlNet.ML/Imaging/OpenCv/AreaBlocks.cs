using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>INTER_AREA for integer ratios: sums the rows of a block first, then its columns.</summary>
internal static class AreaBlocks
{
    private const int Lanes = 8;

    public static ImageBuffer Apply(ImageBuffer image, int width, int height)
    {
        var result = ImageBuffer.Uninitialized(width, height, image.Channels);
        var (across, down) = (image.Width / width, image.Height / height);
        if (across == 2 && down == 2)
            Halve(image, result);
        else
            Means(image, result, across, down);
        return result;
    }

    // (sum + 2) >> 2, while other sizes of blocks round half to even.
    private static void Halve(ImageBuffer image, ImageBuffer result)
    {
        // The left and right samples, among 16 source bytes, in the blocks of up to eight target samples.
        var channels = image.Channels;
        var left = Vector128.CreateSequence<byte>(0, 1);
        for (var i = 0; i < Lanes; i++)
            left = left.WithElement(i, (byte)Left(i, channels));
        var right = Vector128.Min(left + Vector128.Create((byte)channels), Vector128.Create((byte)15));
        var step = Lanes / channels * channels;
        for (var y = 0; y < result.Height; y++)
        {
            ReadOnlySpan<byte> above = image.Row(2 * y), below = image.Row((2 * y) + 1);
            var target = result.Row(y);
            var i = channels == 1 ? HalveGrey(above, below, target) : 0;
            for (; i <= target.Length - Lanes && (2 * i) + 16 <= above.Length; i += step)
            {
                var (a, b) = (Vector128.Create(above[(2 * i)..]), Vector128.Create(below[(2 * i)..]));
                var sum = Pick(a, left) + Pick(a, right) + Pick(b, left) + Pick(b, right) + Vector128.Create((ushort)2);
                BinaryPrimitives.WriteUInt64LittleEndian(target[i..], Vector128.Narrow(sum >> 2, sum >> 2).AsUInt64().ToScalar());
            }

            for (; i < target.Length; i++)
            {
                var s = Left(i, channels);
                target[i] = (byte)((above[s] + above[s + channels] + below[s] + below[s + channels] + 2) >> 2);
            }
        }

        static int Left(int i, int channels) => (2 * i) - (i % channels);
        static Vector128<ushort> Pick(Vector128<byte> samples, Vector128<byte> indices) =>
            Vector128.WidenLower(Vector128.ShuffleNative(samples, indices));
    }

    // Left and right are the halves of a 16-bit number. Returns the number of pixels computed with whole vectors.
    private static int HalveGrey(ReadOnlySpan<byte> above, ReadOnlySpan<byte> below, Span<byte> target)
    {
        var n = Vector<byte>.Count;
        var i = 0;
        for (; i <= target.Length - n; i += n)
            Vector.Narrow(Mean(above[(2 * i)..], below[(2 * i)..]), Mean(above[((2 * i) + n)..], below[((2 * i) + n)..]))
                .CopyTo(target[i..]);
        return i;

        static Vector<ushort> Mean(ReadOnlySpan<byte> above, ReadOnlySpan<byte> below)
        {
            var (a, b) = (new Vector<byte>(above).As<byte, ushort>(), new Vector<byte>(below).As<byte, ushort>());
            var mask = new Vector<ushort>(0xff);
            return ((a & mask) + (a >>> 8) + (b & mask) + (b >>> 8) + new Vector<ushort>(2)) >>> 2;
        }
    }

    private static void Means(ImageBuffer image, ImageBuffer result, int across, int down)
    {
        var channels = image.Channels;
        var share = 1f / ((long)across * down);
        var length = image.Width * channels;
        var sums = ArrayPool<int>.Shared.Rent(length);
        for (var y = 0; y < result.Height; y++)
        {
            Array.Clear(sums, 0, length);
            for (var k = 0; k < down; k++)
                Add(image.Row((y * down) + k), sums);
            var target = result.Row(y);
            for (int i = 0, block = 0; i < target.Length; block += across * channels)
            {
                for (var c = 0; c < channels; c++, i++)
                {
                    var sum = 0;
                    for (var s = block + c; s < block + (across * channels); s += channels)
                        sum += sums[s];
                    target[i] = (byte)Math.Min(MathF.Round(sum * share), 255);
                }
            }
        }

        ArrayPool<int>.Shared.Return(sums);
    }

    private static void Add(ReadOnlySpan<byte> row, Span<int> sums)
    {
        var n = Vector<int>.Count;
        var i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(row[i..]), out var lower, out var upper);
            AddHalf(lower, sums.Slice(i, 2 * n));
            AddHalf(upper, sums.Slice(i + (2 * n), 2 * n));
        }

        for (; i < row.Length; i++)
            sums[i] += row[i];

        static void AddHalf(Vector<ushort> samples, Span<int> sums)
        {
            Vector.Widen(samples, out var lower, out var upper);
            var rest = sums[Vector<int>.Count..];
            (new Vector<int>(sums) + lower.As<uint, int>()).CopyTo(sums);
            (new Vector<int>(rest) + upper.As<uint, int>()).CopyTo(rest);
        }
    }
}
