using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Runs with bound values give what plain runs give, and write where they are told to.</summary>
public sealed class BoundSessionTests : IDisposable
{
    private const string Input = "input";
    private readonly InferenceSession _session = SessionFactory.Open(Graph("hed-projections-random"), new());
    private readonly BoundSession _bound;

    public BoundSessionTests() => _bound = new BoundSession(_session, "hed");

    public void Dispose()
    {
        _bound.Dispose();
        _session.Dispose();
    }

    [Fact]
    public void Results_are_those_of_a_plain_run_whatever_ran_before()
    {
        var outputs = _session.OutputNames;
        foreach (var (first, size) in new[] { (1, 32), (5, 32), (2, 64), (1, 32) })
        {
            using var image = Image(first, size);
            using var options = new RunOptions();
            using var expected = _session.Run(options, [Input], [image], outputs);
            using var actual = Run(image, [.. outputs.Reverse().Select(name => new BoundOutput(name))]);
            Assert.Equal(expected.Select(Values), actual.Reverse().Select(Values));
        }
    }

    [Fact]
    public void An_output_is_written_into_the_memory_that_is_given()
    {
        var buffer = new float[32 * 32];
        using var target = OrtValue.CreateTensorValueFromMemory(buffer, [1, 1, 32, 32]);
        using var image = Image(3, 32);
        using var free = Run(image, [new BoundOutput("output")]);
        using var bound = Run(image, [new BoundOutput("output", Into: target)]);
        Assert.Equal(Values(free[0]), buffer);
        buffer[7] = 42;
        Assert.Equal(42, Values(bound[0])[7]);
    }

    [Fact]
    public void An_output_that_stays_on_the_device_is_the_input_of_another_session()
    {
        using var folder = new TemporaryFolder();
        folder.Write("weights.bin", MemoryMarshal.AsBytes<float>([10, 20, 30, 40]).ToArray());
        using var adding = SessionFactory.Open(folder.Write("tiny.onnx", TinyGraph.WithExternalWeights()), new());
        using var first = new BoundSession(adding, "first");
        using var second = new BoundSession(adding, "second");
        using var x = OrtValue.CreateTensorValueFromMemory(new float[] { 1, 2, 3, 4 }, [1, 4]);
        using var kept = first.Run(new Dictionary<string, OrtValue> { ["x"] = x }, [new BoundOutput("y", StaysOnDevice: true)]);
        using var sum = second.Run(new Dictionary<string, OrtValue> { ["x"] = kept[0] }, [new BoundOutput("y")]);
        Assert.Equal([21f, 42, 63, 84], Values(sum[0]));
    }

    [Fact]
    public void What_does_not_fit_is_named_and_the_next_run_works()
    {
        using var image = Image(1, 32);
        using var wrong = OrtValue.CreateTensorValueFromMemory(new float[4], [1, 4]);
        Assert.StartsWith("hed cannot be run: ", Message(() => Run(wrong, [new BoundOutput("output")])), StringComparison.Ordinal);
        Assert.Contains("'none'", Message(() => Run(image, [new BoundOutput("none", StaysOnDevice: true)])), StringComparison.Ordinal);
        Assert.Contains("none", Message(() => Run(image, [new BoundOutput("none")])), StringComparison.Ordinal);
        Assert.Contains("other", Message(() => _bound.Run(new Dictionary<string, OrtValue> { ["other"] = image }, [new BoundOutput("output")])), StringComparison.Ordinal);
        Assert.Throws<OperationCanceledException>(() => _bound.Run(new Dictionary<string, OrtValue> { [Input] = image }, [new BoundOutput("output")], new CancellationToken(true)));
        using var result = Run(image, [new BoundOutput("output")]);
        Assert.Equal(32 * 32, Values(result[0]).Length);
    }

    private IDisposableReadOnlyCollection<OrtValue> Run(OrtValue image, IReadOnlyList<BoundOutput> outputs) =>
        _bound.Run(new Dictionary<string, OrtValue> { [Input] = image }, outputs);

    private static OrtValue Image(int first, int size) => OrtValue.CreateTensorValueFromMemory(
        [.. Enumerable.Range(0, 3 * size * size).Select(i => (i + first) % 11 / 11f)], [1, 3, size, size]);

    private static float[] Values(OrtValue value) => value.GetTensorDataAsSpan<float>().ToArray();

    private static string Graph(string name) => Fixtures.Path("onnx-annotators", "graphs", name + ".onnx");

    private static string Message(Action action) => Assert.Throws<ControlNetException>(action).Message;
}
