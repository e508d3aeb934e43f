using FsCheck.Xunit;

namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Reading and running graphs, whatever the file holds.</summary>
public sealed class OnnxGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_signature_says_what_goes_in_and_comes_out()
    {
        var signature = OnnxSignature.Read(Graph("hed-projections-random"));
        Assert.Equal("input Single [?, 3, ?, ?]", signature.Inputs.Single().ToString());
        Assert.Equal(["output", "139", "145", "151", "157"], signature.Outputs.Select(port => port.Name));
        Assert.Equal(OnnxElement.Half, OnnxSignature.Read(Graph("depth-fp16-random")).Inputs[0].Element);
        Assert.Equal(OnnxElement.Int64, OnnxSignature.Read(Graph("uniformer-planted")).Outputs[0].Element);
        Assert.Equal(["pixel_values", "task_inputs"], OnnxSignature.Read(Graph("oneformer-planted")).Inputs.Select(port => port.Name));
    }

    [Property(MaxTest = 200)]
    public void A_damaged_graph_is_opened_or_refused(int at, byte value, bool cut)
    {
        var file = File.ReadAllBytes(Graph("depth-fp16-random"));
        var place = (int)((uint)at % file.Length);
        if (cut)
            file = file[..place];
        else
            file[place] = value;
        try
        {
            OnnxGraph.Open(file, "damaged").Dispose();
        }
        catch (ControlNetException)
        {
        }
    }

    [Fact]
    public void A_graph_whose_size_is_open_takes_images_of_any_size_in_turn()
    {
        using var graph = OnnxGraph.Open(Graph("hed-random"));
        foreach (var (width, height) in new[] { (64, 32), (32, 64), (64, 32) })
        {
            var values = Enumerable.Range(0, 3 * width * height).Select(i => i % 7 / 7f).ToArray();
            var output = graph.Run(new TensorData(values, 1, 3, height, width)).Single();
            Assert.Equal((width, height), output.Plane(1, width, height));
            Assert.Equal(output.Floats, graph.Run(new TensorData(values, 1, 3, height, width)).Single().Floats);
        }
    }

    [Fact]
    public async Task Threads_share_a_graph()
    {
        using var graph = OnnxGraph.Open(Graph("hed-random"));
        var images = Enumerable.Range(0, 8).Select(n => new TensorData([.. Enumerable.Range(0, 3 * 32 * 32).Select(i => (i + n) % 11 / 11f)], 1, 3, 32, 32)).ToArray();
        var alone = images.Select(image => graph.Run(image)[0].Floats).ToArray();
        var together = await Task.WhenAll(images.Select(image => Task.Run(() => graph.Run(image)[0].Floats)));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void A_graph_of_float16_gives_floats()
    {
        using var graph = OnnxGraph.Open(Graph("depth-fp16-random"));
        var output = graph.Run(TensorData.Zeros(1, 3, 512, 512))[0];
        Assert.Equal(512 * 512, output.Floats.Length);
        Assert.Equal(OnnxElement.Half, output.Port.Element);
    }

    [Fact]
    public void A_provider_that_is_missing_is_named_with_the_first_image()
    {
        using var graph = OnnxGraph.Open(Graph("hed-random"), new OnnxSessionOptions { Providers = [ExecutionProvider.OpenVino] });
        Assert.Contains("Intel.ML.OnnxRuntime.OpenVino", Message(() => graph.Run(TensorData.Zeros(1, 3, 32, 32))));
    }

    [Fact]
    public void What_cannot_be_run_is_named()
    {
        Assert.Contains("no such file", Message(() => OnnxGraph.Open(_folder.File("none.onnx"))));
        Assert.Contains("0 bytes", Message(() => OnnxGraph.Open(_folder.Write("empty.onnx", []))));
        Assert.Contains("is text that begins with 'a text, no graph'", Message(() => OnnxGraph.Open(_folder.Write("text.onnx", "a text, no graph"u8.ToArray()))));
        using var graph = OnnxGraph.Open(Graph("midas-v21-random"));
        Assert.Contains("takes 0 Single [1, 3, 384, 384], got [1, 3, 8, 8]", Message(() => graph.Run(TensorData.Zeros(1, 3, 8, 8))));
        Assert.Contains("has other inputs", Message(() => graph.Run(TensorData.Zeros(1, 3, 384, 384), [1])));
        graph.Dispose();
        Assert.Throws<ObjectDisposedException>(() => graph.Run(TensorData.Zeros(1, 3, 384, 384)));
    }

    private static string Graph(string name) => Fixtures.Path("onnx-annotators", "graphs", name + ".onnx");

    private static string Message(Action action) => Assert.Throws<ControlNetException>(action).Message;
}
