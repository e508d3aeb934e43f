using System.Runtime.InteropServices;
using ControlNet.ML.Weights;
using FsCheck.Xunit;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>The bytes of weights in graphs.</summary>
public sealed class WeightContentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 40)]
    public void A_matrix_is_transposed_in_every_form(byte rows, byte columns)
    {
        var (height, width) = (1 + (rows % 70), 1 + (columns % 150));
        var values = Numbers(height * width);
        var single = MemoryMarshal.Cast<byte, float>(Bytes(values, height, width, WeightForm.Single, isTransposed: true)).ToArray();
        var half = MemoryMarshal.Cast<byte, Half>(Bytes(values, height, width, WeightForm.Half, isTransposed: true)).ToArray();
        var plain = MemoryMarshal.Cast<byte, sbyte>(Bytes(values, height, width, WeightForm.Int8, isTransposed: false)).ToArray();
        var quantized = MemoryMarshal.Cast<byte, sbyte>(Bytes(values, height, width, WeightForm.Int8, isTransposed: true)).ToArray();
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                var (from, to) = ((row * width) + column, (column * height) + row);
                Assert.Equal(values[from], single[to]);
                Assert.Equal((Half)values[from], half[to]);
                Assert.Equal(plain[from], quantized[to]);
            }
        }
    }

    [Property(MaxTest = 40)]
    public void Eight_bits_are_within_half_a_step_of_each_channel_and_use_the_whole_range(byte rows, byte columns)
    {
        var (height, width) = (1 + (rows % 20), 1 + (columns % 40));
        var values = Numbers(height * width);
        values.AsSpan(0, width).Clear();
        var scales = MemoryMarshal.Cast<byte, float>(Bytes(values, height, width, WeightForm.Scale, isTransposed: false)).ToArray();
        var quantized = MemoryMarshal.Cast<byte, sbyte>(Bytes(values, height, width, WeightForm.Int8, isTransposed: false)).ToArray();
        Assert.Equal(height, scales.Length);
        for (var row = 0; row < height; row++)
        {
            for (var i = row * width; i < (row + 1) * width; i++)
                Close.Absolute<float, float>([values[i]], [quantized[i] * scales[row]], (scales[row] / 2) + 1e-6, $"row {row}");
            Assert.Equal(row == 0 ? 0 : 127, quantized[(row * width)..((row + 1) * width)].Max(value => Math.Abs((int)value)));
        }
    }

    [Fact]
    public void Weights_are_missing_unexpected_or_misshapen_by_name()
    {
        SafetensorsWriter.Write(_folder.File("x.safetensors"), [TensorContent.FromFloats("conv_in.weight", new float[6], 2, 3), TensorContent.FromFloats("other", new float[1], 1)]);
        using var source = WeightSource.OpenFile(_folder.File("x.safetensors"), NetworkKind.UNet);
        var graph = UNet2DConditionGraph.Build(ModelFolder.Open(Fixtures.Path("models", "sd1")).UNet, default, takesResiduals: false);
        var message = Assert.Throws<ControlNetException>(() => new GraphWeights(source, graph)).Message;
        Assert.Contains("'conv_in.weight' is [2, 3], expected [8, 4, 3, 3]", message, StringComparison.Ordinal);
        Assert.Contains("683 missing", message, StringComparison.Ordinal);
        Assert.Contains("1 unexpected: 'other'", message, StringComparison.Ordinal);
    }

    private byte[] Bytes(float[] values, int rows, int columns, WeightForm form, bool isTransposed)
    {
        SafetensorsWriter.Write(_folder.File("w.safetensors"), [TensorContent.FromFloats("w", values, rows, columns)]);
        using var source = WeightSource.OpenFile(_folder.File("w.safetensors"), NetworkKind.UNet);
        using var written = new MemoryStream();
        WeightContent.Write(new GraphWeight("w", "w", [rows, columns], [rows, columns], form, isTransposed), source.Tensors["w"], written);
        return written.ToArray();
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 4) - 2)];
    }
}
