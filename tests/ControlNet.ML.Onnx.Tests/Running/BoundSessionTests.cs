using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Runs with bound values give what plain runs give.</summary>
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
            using var actual = Run(image, [.. outputs.Reverse()]);
            Assert.Equal(expected.Select(Values), actual.Reverse().Select(Values));
        }
    }

    [Fact]
    public void An_input_that_is_the_same_value_is_bound_once_and_another_one_in_its_place()
    {
        using var folder = new TemporaryFolder();
        folder.Write("weights.bin", MemoryMarshal.AsBytes<float>([10, 20, 30, 40]).ToArray());
        using var adding = SessionFactory.Open(folder.Write("tiny.onnx", TinyGraph.WithExternalWeights()), new());
        using var bound = new BoundSession(adding, "tiny");
        using var x = OrtValue.CreateTensorValueFromMemory(new float[] { 1, 2, 3, 4 }, [1, 4]);
        using var other = OrtValue.CreateTensorValueFromMemory(new float[] { 0, 0, 0, 1 }, [1, 4]);
        foreach (var (value, last) in new[] { (x, 44f), (x, 44f), (other, 41f), (x, 44f) })
        {
            using var sum = bound.Run(new Dictionary<string, OrtValue> { ["x"] = value }, ["y"]);
            Assert.Equal(last, Values(sum[0])[3]);
        }
    }

    [Fact]
    public void Outputs_can_stay_where_they_are_computed()
    {
        using var image = Image(1, 32);
        using var expected = Run(image, ["output"]);
        using var actual = _bound.Run(new Dictionary<string, OrtValue> { [Input] = image }, ["output"], onDevice: true);
        Assert.Equal(Values(expected[0]), Values(actual[0]));
        Assert.Equal(OrtMemoryInfo.DefaultInstance.Name, _bound.PlaceOfOutput("output").Name);
        Assert.Equal(_bound.PlaceOfOutput("output"), _bound.PlaceOfInput(Input));
    }

    [Fact]
    public void What_does_not_fit_is_named_and_the_next_run_works()
    {
        using var image = Image(1, 32);
        using var wrong = OrtValue.CreateTensorValueFromMemory(new float[4], [1, 4]);
        Assert.StartsWith("hed cannot be run: ", Message(() => Run(wrong, ["output"])), StringComparison.Ordinal);
        Assert.Contains("none", Message(() => Run(image, ["none"])), StringComparison.Ordinal);
        Assert.Contains("other", Message(() => _bound.Run(new Dictionary<string, OrtValue> { ["other"] = image }, ["output"])), StringComparison.Ordinal);
        using var result = Run(image, ["output"]);
        Assert.Equal(32 * 32, Values(result[0]).Length);
    }

    private IDisposableReadOnlyCollection<OrtValue> Run(OrtValue image, IReadOnlyList<string> outputs) =>
        _bound.Run(new Dictionary<string, OrtValue> { [Input] = image }, outputs);

    private static OrtValue Image(int first, int size) => OrtValue.CreateTensorValueFromMemory(
        [.. Enumerable.Range(0, 3 * size * size).Select(i => (i + first) % 11 / 11f)], [1, 3, size, size]);

    private static float[] Values(OrtValue value) => value.GetTensorDataAsSpan<float>().ToArray();

    private static string Graph(string name) => Fixtures.Path("onnx-annotators", "graphs", name + ".onnx");

    private static string Message(Action action) => Assert.Throws<ControlNetException>(action).Message;
}
