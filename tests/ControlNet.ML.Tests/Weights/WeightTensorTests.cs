using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Parts of a tensor, and tensors whose pages were given back.</summary>
public sealed class WeightTensorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_part_of_a_tensor_is_converted_from_its_place()
    {
        using var source = Open(TensorType.F16, [.. new[] { 1, 2, 3, 4, 5 }.SelectMany(value => BitConverter.GetBytes((Half)value))], 5);
        var tensor = source.Tensors["a"];
        Assert.Equal((5, 10, TensorType.F16, "a"), (tensor.Count, tensor.ByteLength, tensor.Type, tensor.Key));
        Equal([2, 3], 1);
        Equal([1, 2, 3, 4, 5], 0);
        Equal([5], 4);
        Equal([], 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.CopyTo(4, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.CopyTo(-1, new float[2]));

        void Equal(float[] expected, long first)
        {
            var part = new float[expected.Length];
            tensor.CopyTo(first, part);
            Assert.Equal(expected, part);
        }
    }

    [Fact]
    public void A_tensor_whose_pages_were_given_back_is_read_again()
    {
        var bytes = new byte[5 * Environment.SystemPageSize];
        new Random(1).NextBytes(bytes);
        using var source = Open(TensorType.U8, bytes, bytes.Length);
        var tensor = source.Tensors["a"];
        Assert.True(source.Files[0].Bytes("a").SequenceEqual(bytes));
        tensor.ReleasePages();
        Assert.True(source.Files[0].Bytes("a").SequenceEqual(bytes));
    }

    private WeightSource Open(TensorType type, byte[] bytes, int count) => WeightSource.OpenFile(
        Written.To(_folder.File("x.safetensors"), [TensorContent.FromBytes("a", type, [count], bytes)]), NetworkKind.UNet);
}
