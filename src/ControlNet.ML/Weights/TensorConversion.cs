using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Weights;

/// <summary>Converts any element type to float. Exact for types of at most 24 significant bits, otherwise rounded to nearest.</summary>
internal static class TensorConversion
{
    // A model is often loaded once in a process, by loops that run too briefly to be compiled a second time: that of TensorPrimitives
    // took twice the time there.
    private const MethodImplOptions AtOnce = MethodImplOptions.AggressiveOptimization;

    private static readonly float[] E4M3 = Table(FromE4M3);
    private static readonly float[] E5M2 = Table(code => (float)BitConverter.UInt16BitsToHalf((ushort)(code << 8)));

    /// <summary>Converts as many elements as the destination holds.</summary>
    public static void ToSingle(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F32: source.CopyTo(MemoryMarshal.AsBytes(destination)); break;
            case TensorType.F16: FromHalf(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            case TensorType.BF16: FromBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            case TensorType.F64: Convert<double>(source, destination); break;
            case TensorType.I64: Convert<long>(source, destination); break;
            case TensorType.I32: Convert<int>(source, destination); break;
            case TensorType.I16: Convert<short>(source, destination); break;
            case TensorType.I8: Convert<sbyte>(source, destination); break;
            case TensorType.U64: Convert<ulong>(source, destination); break;
            case TensorType.U32: Convert<uint>(source, destination); break;
            case TensorType.U16: Convert<ushort>(source, destination); break;
            case TensorType.U8 or TensorType.Bool: Convert<byte>(source, destination); break;
            case TensorType.F8E4M3: LookUp(E4M3, source, destination); break;
            case TensorType.F8E5M2: LookUp(E5M2, source, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    /// <summary>Converts floats to another floating-point type, rounding to nearest, ties to even, as torch does.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="source">The floats.</param>
    /// <param name="destination">As many elements.</param>
    public static void FromSingle(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.AsBytes(source).CopyTo(destination); break;
            case TensorType.F16: TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination)); break;
            case TensorType.BF16: ToBFloat16(source, MemoryMarshal.Cast<byte, ushort>(destination)); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    [MethodImpl(AtOnce)]
    private static void ToBFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        const ushort nan = 0x7fc0;
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            Vector.Narrow(Upper(source[i..]), Upper(source[(i + Vector<float>.Count)..])).CopyTo(destination[i..]);
        for (; i < source.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(source[i]);
            destination[i] = float.IsNaN(source[i]) ? nan : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector<uint> Upper(ReadOnlySpan<float> values)
        {
            var number = new Vector<float>(values);
            var bits = Vector.AsVectorUInt32(number);
            var rounded = (bits + new Vector<uint>(0x7fff) + ((bits >> 16) & Vector<uint>.One)) >> 16;
            return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(number, number)), rounded, new Vector<uint>(nan));
        }
    }

    /// <summary>
    /// An IEEE half has 5 bits of exponent with bias 15 and 10 of fraction, a float 8 with bias 127 and 23. A subnormal half has no leading
    /// one: it is put before the fraction, and subtracted again. A NaN becomes a quiet one, as it does in processors.
    /// </summary>
    [MethodImpl(AtOnce)]
    private static void FromHalf(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var target = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            Single(low).CopyTo(target[i..]);
            Single(high).CopyTo(target[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
            destination[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector<uint> Single(Vector<uint> half)
        {
            const int fraction = 23 - 10;
            const uint infinity = 0x7c00u << fraction, bias = (127u - 15) << 23, one = 1u << 23, quiet = 1u << 22;
            var magnitude = (half & new Vector<uint>(0x7fff)) << fraction;
            var normal = magnitude + new Vector<uint>(bias);
            var subnormal = Vector.AsVectorUInt32(
                Vector.AsVectorSingle(normal + new Vector<uint>(one)) - Vector.AsVectorSingle(new Vector<uint>(bias + one)));
            var finite = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<uint>(one)), subnormal, normal);
            var special = Vector.GreaterThanOrEqual(magnitude, new Vector<uint>(infinity)) & new Vector<uint>(0x7f800000);
            var nan = Vector.GreaterThan(magnitude, new Vector<uint>(infinity)) & new Vector<uint>(quiet);
            return finite | special | nan | ((half & new Vector<uint>(0x8000)) << 16);
        }
    }

    /// <summary>A bfloat16 is the upper half of a float: shifts it into place.</summary>
    [MethodImpl(AtOnce)]
    private static void FromBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var target = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            (low << 16).CopyTo(target[i..]);
            (high << 16).CopyTo(target[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
            target[i] = (uint)source[i] << 16;
    }

    private static void Convert<T>(ReadOnlySpan<byte> source, Span<float> destination)
        where T : unmanaged, INumberBase<T> =>
        TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, T>(source), destination);

    [MethodImpl(AtOnce)]
    private static void LookUp(float[] table, ReadOnlySpan<byte> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++)
            destination[i] = table[source[i]];
    }

    private static float[] Table(Func<byte, float> value) => [.. Enumerable.Range(0, 256).Select(code => value((byte)code))];

    /// <summary>OCP 8-bit floating point, E4M3: bias 7, the code S.1111.111 is the only NaN and there is no infinity.</summary>
    private static float FromE4M3(byte code)
    {
        int exponent = (code >> 3) & 15, fraction = code & 7;
        var magnitude = exponent switch
        {
            15 when fraction == 7 => float.NaN,
            0 => fraction * MathF.ScaleB(1, -9),
            _ => MathF.ScaleB(8 + fraction, exponent - 10),
        };
        return code < 128 ? magnitude : -magnitude;
    }
}
