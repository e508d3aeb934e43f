namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Devices of graphs as text.</summary>
public sealed class OnnxDeviceTests
{
    [Theory]
    [InlineData("cpu", 0, new[] { ExecutionProvider.Cpu })]
    [InlineData("directml:2", 2, new[] { ExecutionProvider.DirectMl })]
    [InlineData("TensorRT:1, cuda:1, cpu", 1, new[] { ExecutionProvider.TensorRt, ExecutionProvider.Cuda, ExecutionProvider.Cpu })]
    public void Providers_and_the_number_of_the_GPU_are_read(string text, int index, ExecutionProvider[] providers)
    {
        var device = OnnxDevice.Parse(text);
        Assert.Equal(index, device.Index);
        Assert.Equal(providers, device.Providers);
    }

    [Theory]
    [InlineData("", "no execution provider '', expected cpu, cuda, ")]
    [InlineData("gpu:1", "no execution provider 'gpu', expected cpu, cuda, ")]
    [InlineData("cuda:", "'cuda:' has no number of a GPU after the colon")]
    [InlineData("cuda:-1", "'cuda:-1' has no number of a GPU after the colon")]
    [InlineData("cuda:1:2", "'cuda:1:2' has no number of a GPU after the colon")]
    [InlineData("cuda:1,tensorrt:0", "names several GPUs (0, 1)")]
    [InlineData("cuda:1,cuda:1", "'cuda' is named twice")]
    public void Other_texts_are_refused(string text, string because) =>
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => OnnxDevice.Parse(text)).Message, StringComparison.Ordinal);
}
