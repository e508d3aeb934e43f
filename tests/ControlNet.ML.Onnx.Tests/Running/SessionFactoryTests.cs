using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Opening sessions: providers in turn, and what is wrong with a file in one line.</summary>
public sealed class SessionFactoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_graph_with_external_weights_runs()
    {
        Weights(1, 2, 3, 4);
        using var session = SessionFactory.Open(_folder.Write("tiny.onnx", TinyGraph.WithExternalWeights()), new());
        Assert.Equal([1f, 3, 5, 7], Run(session, [0, 1, 2, 3]));
    }

    [Fact]
    public void A_graph_in_memory_has_its_weights_in_the_folder_that_is_given()
    {
        Weights(10, 20, 30, 40);
        using var session = SessionFactory.Open(TinyGraph.WithExternalWeights(), "tiny", new(), _folder.Path);
        Assert.Equal([11f, 21, 31, 41], Run(session, [1, 1, 1, 1]));
    }

    [Fact]
    public void A_provider_that_is_missing_is_skipped()
    {
        Weights(1, 2, 3, 4);
        var file = _folder.Write("tiny.onnx", TinyGraph.WithExternalWeights());
        var options = new OnnxSessionOptions { Providers = [ExecutionProvider.TensorRt, ExecutionProvider.OpenVino, ExecutionProvider.Cpu] };
        using var session = SessionFactory.Open(file, options);
        Assert.Equal([1f, 3, 5, 7], Run(session, [0, 1, 2, 3]));
    }

    [Fact]
    public void If_no_provider_works_each_is_named_with_its_package()
    {
        Weights(1, 2, 3, 4);
        var file = _folder.Write("tiny.onnx", TinyGraph.WithExternalWeights());
        var options = new OnnxSessionOptions { Providers = [ExecutionProvider.OpenVino, ExecutionProvider.DirectMl] };
        Assert.Equal(
            $"{file} cannot be run on openvino or directml: openvino: this ONNX Runtime was built without it (use the package "
                + "Intel.ML.OnnxRuntime.OpenVino); directml: this ONNX Runtime was built without it (use the package "
                + "Microsoft.ML.OnnxRuntime.DirectML).",
            Message(() => SessionFactory.Open(file, options)));
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_one_line_with_its_name()
    {
        var file = _folder.Write("tiny.onnx", TinyGraph.WithExternalWeights());
        Expect(file, "has weights in 'weights.bin', which is missing");
        _folder.Write("weights.bin", new byte[15]);
        Expect(file, "has weights in 'weights.bin', which has 15 bytes, expected at least 16");
        Expect(_folder.Write("outside.onnx", TinyGraph.WithExternalWeights(weights: "../weights.bin")), "expected a file in the folder");
        Expect(_folder.Write("cut.onnx", TinyGraph.WithExternalWeights()[..40]), "damaged or cut off");
        Weights(1, 2, 3, 4);
        Expect(_folder.Write("unknown.onnx", TinyGraph.WithExternalWeights("NoSuchOperation")), "NoSuchOperation");
        Expect(_folder.File("none.onnx"), "there is no such file");

        static void Expect(string file, string because)
        {
            var message = Message(() => SessionFactory.Open(file, new()).Dispose());
            Assert.StartsWith(file, message, StringComparison.Ordinal);
            Assert.Contains(because, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
            Assert.DoesNotContain("ErrorCode", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused()
    {
        Weights(1, 2, 3, 4);
        var file = _folder.Write("tiny.onnx", TinyGraph.WithExternalWeights());
        Assert.Throws<ArgumentException>(() => SessionFactory.Open(file, new() { Providers = [] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => SessionFactory.Open(file, new() { Device = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => SessionFactory.Open(file, new() { Threads = 0 }));
        var options = new OnnxSessionOptions { ConfigEntries = new Dictionary<string, string> { [""] = "1" } };
        Assert.Contains("configuration entry", Message(() => SessionFactory.Open(file, options)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpu", new[] { ExecutionProvider.Cpu })]
    [InlineData("CUDA, cpu", new[] { ExecutionProvider.Cuda, ExecutionProvider.Cpu })]
    [InlineData("tensorrt,directml,openvino,coreml", new[] { ExecutionProvider.TensorRt, ExecutionProvider.DirectMl, ExecutionProvider.OpenVino, ExecutionProvider.CoreMl })]
    public void Providers_are_read_in_their_order(string text, ExecutionProvider[] expected) =>
        Assert.Equal(expected, ExecutionProviders.Parse(text));

    [Theory]
    [InlineData("", "no execution provider ''")]
    [InlineData("cpu,gpu", "no execution provider 'gpu', expected cpu, cuda, tensorrt, directml, openvino or coreml")]
    [InlineData("cpu,cuda,CPU", "'CPU' is named twice")]
    public void Other_names_are_refused(string text, string because) =>
        Assert.Contains(because, Message(() => ExecutionProviders.Parse(text)), StringComparison.Ordinal);

    private void Weights(params float[] values) => _folder.Write("weights.bin", MemoryMarshal.AsBytes<float>(values).ToArray());

    private static float[] Run(InferenceSession session, float[] x)
    {
        using var value = OrtValue.CreateTensorValueFromMemory(x, [1, 4]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [value], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static string Message(Action action) => Assert.Throws<ControlNetException>(action).Message;
}
