using System.Runtime.InteropServices;
using ControlNet.ML.Weights;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Conversions of element types, whatever the length: the loops take several elements at a time.</summary>
public sealed class TensorConversionTests
{
    [Fact]
    public void Every_half_is_the_float_of_the_same_value()
    {
        var codes = Enumerable.Range(0, 1 << 16).Select(code => (ushort)code).ToArray();
        var floats = new float[codes.Length];
        TensorConversion.ToSingle(TensorType.F16, MemoryMarshal.AsBytes<ushort>(codes), floats);
        Assert.Equal(
            codes.Select(code => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt16BitsToHalf(code))),
            floats.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void Every_bfloat16_is_the_upper_half_of_a_float()
    {
        var codes = Enumerable.Range(0, 1 << 16).Select(code => (ushort)code).ToArray();
        var floats = new float[codes.Length];
        TensorConversion.ToSingle(TensorType.BF16, MemoryMarshal.AsBytes<ushort>(codes), floats);
        Assert.Equal(codes.Select(code => (uint)code << 16), floats.Select(BitConverter.SingleToUInt32Bits));
    }

    [Property]
    public void Halves_of_any_number_are_converted_like_one(ushort[] codes)
    {
        var (all, one) = (new float[codes.Length], new float[1]);
        TensorConversion.ToSingle(TensorType.F16, MemoryMarshal.AsBytes<ushort>(codes), all);
        for (var i = 0; i < codes.Length; i++)
        {
            TensorConversion.ToSingle(TensorType.F16, MemoryMarshal.AsBytes<ushort>(codes.AsSpan(i, 1)), one);
            Assert.Equal(BitConverter.SingleToUInt32Bits(one[0]), BitConverter.SingleToUInt32Bits(all[i]));
        }
    }
}
