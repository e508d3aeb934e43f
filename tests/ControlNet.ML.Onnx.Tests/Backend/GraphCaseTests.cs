using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>Every graph of fixtures/onnx with recorded inputs, against what ONNX Runtime and torch gave.</summary>
[Trait("Category", "Parity")]
public sealed class GraphCaseTests(GraphCaseTests.Networks networks) : IClassFixture<GraphCaseTests.Networks>
{
    public static TheoryData<string> Cases() =>
        Fixtures.Cases(OnnxLayouts.Exist ? OnnxLayouts.Cases.Select(entry => entry.GetProperty("id").GetString()!) : []);

    [Theory, MemberData(nameof(Cases))]
    public void A_graph_gives_the_recorded_outputs(string id)
    {
        Fixtures.SkipIfNothing(id, "onnx/manifest.json");
        var entry = OnnxLayouts.Cases.Single(candidate => candidate.GetProperty("id").GetString() == id);
        var network = networks.Of(entry.GetProperty("layout").GetString()!, entry.GetProperty("model").GetString()!);
        Dictionary<string, OrtValue> inputs = [];
        try
        {
            foreach (var input in entry.GetProperty("inputs").EnumerateObject())
            {
                var (values, shape) = Read(input.Value);
                var port = network.Signature.Inputs.Find(input.Name);
                Assert.NotNull(port);
                inputs[input.Name] = values.Length == 1
                    ? OnnxTensors.Fill(port, values[0], shape)
                    : OnnxTensors.Create(port, [.. values.Select(value => (float)value)], shape);
            }

            using var outputs = network.Run(inputs, network.Signature.Outputs);
            var found = network.Signature.Outputs.Zip(outputs).ToDictionary(pair => pair.First.Name, pair => pair.Second.ToData());
            Compare(entry, "outputs", "tolerance", found);
            Compare(entry, "torch", "torch_tolerance", found);
            if (entry.TryGetProperty("sampled", out var sampled))
                CompareSample(sampled, found);
        }
        finally
        {
            foreach (var value in inputs.Values)
                value.Dispose();
        }
    }

    private static void Compare(JsonElement entry, string kind, string tolerance, Dictionary<string, TensorData> found)
    {
        if (!entry.TryGetProperty(kind, out var outputs))
            return;
        foreach (var output in outputs.EnumerateObject())
        {
            var (values, shape) = Read(output.Value);
            Assert.Equal(shape, found[output.Name].Shape.ToArray());
            Close.Relative(values, found[output.Name].Values, entry.GetProperty(tolerance).GetDouble(), $"{kind} {output.Name}");
        }
    }

    /// <summary>Latents that the graph draws are standard normal around the mean.</summary>
    private static void CompareSample(JsonElement sampled, Dictionary<string, TensorData> found)
    {
        var (mean, logvar) = (Read(sampled.GetProperty("mean")).Values, Read(sampled.GetProperty("logvar")).Values);
        var drawn = found[sampled.GetProperty("output").GetString()!].Values;
        Assert.Equal(mean.Length, drawn.Length);
        for (var i = 0; i < drawn.Length; i++)
            Assert.InRange(Math.Abs(drawn[i] - mean[i]) / Math.Exp(logvar[i] / 2), 0, sampled.GetProperty("within").GetDouble());
    }

    private static (double[] Values, int[] Shape) Read(JsonElement tensor)
    {
        if (tensor.TryGetProperty("stack", out var stack))
        {
            var parts = stack.EnumerateArray().Select(Read).ToArray();
            return ([.. parts.SelectMany(part => part.Values)], [parts.Length, .. parts[0].Shape]);
        }

        if (tensor.TryGetProperty("value", out var value))
            return (
                [.. value.EnumerateArray().Select(number => number.GetDouble())],
                [.. tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())]);
        var file = new ReferenceTensors(Fixtures.Path(tensor.GetProperty("file").GetString()!));
        var name = tensor.GetProperty("tensor").GetString()!;
        var (values, shape) = (file.Doubles(name), file.Shape(name));
        if (!tensor.TryGetProperty("rows", out var rows))
            return (values, shape);
        var (first, end, length) = (rows[0].GetInt32(), rows[1].GetInt32(), values.Length / shape[0]);
        return (values[(first * length)..(end * length)], [end - first, .. shape[1..]]);
    }

    /// <summary>The graphs, each loaded once.</summary>
    public sealed class Networks : IDisposable
    {
        private readonly OnnxLayouts _layouts = new();
        private readonly Dictionary<string, OnnxNetwork> _loaded = [];

        internal OnnxNetwork Of(string layout, string model)
        {
            var path = Path.Combine(_layouts.Of(layout), model);
            if (!_loaded.TryGetValue(path, out var network))
                _loaded.Add(path, network = new OnnxNetwork(path, model, PipelineModels.Session, typeof(OnnxNetwork)));
            return network;
        }

        public void Dispose()
        {
            foreach (var network in _loaded.Values)
                network.Dispose();
            _layouts.Dispose();
        }
    }
}
