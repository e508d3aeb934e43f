using System.Runtime.InteropServices;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Weights with a change of low rank.</summary>
public sealed class LowRankChangeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(new long[] { 3, 2 }, new long[] { 2, 4 }, null)]
    [InlineData(new long[] { 3, 2, 1, 1 }, new long[] { 2, 2, 1, 2 }, null)]
    [InlineData(new long[] { 3, 1 }, new long[] { 2, 4 }, "expected factors of")]
    [InlineData(new long[] { 4, 2 }, new long[] { 2, 4 }, "expected factors of")]
    [InlineData(new long[] { 3, 2 }, new long[] { 2, 5 }, "expected factors of")]
    public void A_weight_is_its_own_and_the_product_of_its_factors_from_wherever_it_is_read(long[] up, long[] down, string? error)
    {
        float[] values = [.. Enumerable.Range(0, 12).Select(i => i / 8f)];
        float[] Values(long[] shape) => [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => 1f + i)];
        SafetensorsWriter.Write(_folder.File("w.safetensors"),
        [
            TensorContent.FromFloats("weight", values, 3, 4), TensorContent.FromFloats("up", Values(up), up), TensorContent.FromFloats("down", Values(down), down),
        ]);
        using var file = TensorFile.Open(_folder.File("w.safetensors"));
        WeightTensor Of(string name) => new(name, file.Entries[name].Shape, file, file.Entries[name]);
        if (error is not null)
        {
            Assert.Contains(error, Assert.Throws<ControlNetException>(() => LowRankChange.Of(Of("weight"), Of("up"), Of("down"))).Message, StringComparison.Ordinal);
            return;
        }

        var changed = Of("weight").With(LowRankChange.Of(Of("weight"), Of("up"), Of("down")));
        float[] expected = [.. Enumerable.Range(0, 12).Select(i => values[i] + ((1 + (2 * (i / 4))) * (1f + (i % 4))) + ((2 + (2 * (i / 4))) * (5f + (i % 4))))];
        var whole = new float[12];
        changed.CopyTo(whole);
        Assert.Equal(expected, whole);
        changed.ReleasePages();
        var part = new float[7];
        changed.CopyTo(3, part);
        Assert.Equal(expected[3..10], part);
        using var stream = new MemoryStream();
        changed.WriteTo(stream);
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(stream.ToArray()).ToArray());
    }
}
