using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Annotators;

/// <summary>One case of the annotators' manifest: a graph, an image, and what goes in, comes out and is made of it.</summary>
internal sealed class AnnotatorCase
{
    private static readonly Lazy<JsonElement?> Manifest = new(ReadManifest);
    private readonly JsonElement _case;
    private readonly Lazy<ReferenceTensors> _expected;

    private AnnotatorCase(JsonElement element)
    {
        _case = element;
        _expected = new(() => new ReferenceTensors(File(Text("expected"))));
    }

    public static IEnumerable<AnnotatorCase> All =>
        Manifest.Value is { } manifest ? manifest.GetProperty("cases").EnumerateArray().Select(element => new AnnotatorCase(element)) : [];

    public string Id => Text("id");

    public string Annotator => Text("annotator");

    public string Graph => File(Text("graph"));

    public ImageBuffer Image => ImageCodec.Load(File(Text("image")));

    public JsonElement? Known => _case.TryGetProperty("known", out var known) ? known : null;

    public IEnumerable<string> Maps => _case.GetProperty("maps").EnumerateObject().Select(map => map.Name);

    /// <summary>The data that goes with the maps: key points, boxes.</summary>
    public JsonElement Data
    {
        get
        {
            using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(File(Text("data"))));
            return document.RootElement.Clone();
        }
    }

    public static AnnotatorCase Find(string id) => All.First(c => c.Id == id);

    public static string File(string name) => Fixtures.Path(["onnx-annotators", .. name.Split('/')]);

    public JsonElement? Parameter(string name) =>
        _case.TryGetProperty("parameters", out var all) && all.TryGetProperty(name, out var value) ? value : null;

    public void CheckInput(string name, ReadOnlySpan<float> values, ReadOnlySpan<int> shape) => Check("input", name, values, shape);

    public void CheckOutput(OnnxValue value)
    {
        float[] values = value.Port.Element == OnnxElement.Int64 ? [.. value.Integers.Select(i => (float)i)] : value.Floats;
        Check("output", value.Port.Name, values, default);
    }

    /// <summary>Compares a map within its own tolerance.</summary>
    public void CheckMap(string name, ImageBuffer actual)
    {
        var map = _case.GetProperty("maps").GetProperty(name);
        var expected = ImageCodec.Load(File(map.GetProperty("file").GetString()!));
        if (expected.Channels != actual.Channels)
            (expected, actual) = (Color.Rgb(expected), Color.Rgb(actual));
        Assert.Equal(expected.ToString(), actual.ToString());
        var tolerance = map.GetProperty("tolerance");
        var share = tolerance.TryGetProperty("share", out var s) ? s.GetDouble() : 0;
        var flips = tolerance.GetProperty("kind").GetString() == "flips";
        var levels = flips ? 255 : tolerance.TryGetProperty("max", out var m) ? m.GetInt32() : 0;
        int largest = 0, differing = 0;
        for (var i = 0; i < expected.Samples.Length; i += flips ? expected.Channels : 1)
        {
            var difference = Math.Abs(expected.Samples[i] - actual.Samples[i]);
            for (var c = 1; flips && c < expected.Channels; c++)
                difference = Math.Max(difference, Math.Abs(expected.Samples[i + c] - actual.Samples[i + c]));
            largest = Math.Max(largest, difference);
            differing += difference == 0 ? 0 : 1;
        }

        var found = differing / (double)(flips ? expected.Width * expected.Height : expected.Samples.Length);
        Assert.True(largest <= levels && found <= share, $"{Id} {name}: differs by up to {largest} levels in {found:p3}; allowed {levels} in {share:p3}");
    }

    private void Check(string side, string name, ReadOnlySpan<float> values, ReadOnlySpan<int> actualShape)
    {
        var about = _case.GetProperty(side + "s").GetProperty(name);
        int[] shape = [.. about.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
        if (!actualShape.IsEmpty)
            Assert.Equal(shape, actualShape.ToArray());
        Assert.Equal(shape.Aggregate(1, (a, b) => a * b), values.Length);
        var tolerance = about.GetProperty("tolerance").GetDouble();
        var whole = $"{side}.{name}";
        if (_expected.Value.Has(whole))
        {
            Close.Relative(_expected.Value.Doubles(whole), values, tolerance, $"{Id} {whole}");
            return;
        }

        Close.Relative(_expected.Value.Doubles(whole + ".sample"), Sample(values, shape, about), tolerance, $"{Id} {whole}");
        var checks = _expected.Value.Doubles(whole + ".checks");
        double sum = 0, absolute = 0, squares = 0;
        foreach (var value in values)
            (sum, absolute, squares) = (sum + value, absolute + Math.Abs(value), squares + ((double)value * value));
        var largest = Math.Max(1, values.ToArray().Max(Math.Abs));
        var bound = tolerance * values.Length * largest;
        Close.Number(checks[0], sum, bound, $"{Id} {whole}: sum");
        Close.Number(checks[1], absolute, bound, $"{Id} {whole}: sum of absolute values");
        Close.Number(checks[2], squares, 2 * bound * largest, $"{Id} {whole}: sum of squares");
    }

    private static float[] Sample(ReadOnlySpan<float> values, int[] shape, JsonElement about)
    {
        int Of(string name, int otherwise) => about.TryGetProperty(name, out var value) ? value.GetInt32() : otherwise;
        var (stride, first) = (Of("stride", 1), Of("first", 0));
        var (channelStride, firstChannel) = (Of("channel_stride", 1), Of("first_channel", 0));
        List<float> sample = [];
        var (rows, columns) = (shape[^2], shape[^1]);
        var planes = values.Length / (rows * columns);
        var channels = shape.Length > 3 ? shape[1] : 1;
        for (var plane = 0; plane < planes; plane++)
        {
            var channel = plane % channels;
            if (channels > 1 && (channel < firstChannel || (channel - firstChannel) % channelStride != 0))
                continue;
            for (var y = first; y < rows; y += stride)
            {
                for (var x = first; x < columns; x += stride)
                    sample.Add(values[(((plane * rows) + y) * columns) + x]);
            }
        }

        return [.. sample];
    }

    private string Text(string name) => _case.GetProperty(name).GetString()!;

    private static JsonElement? ReadManifest()
    {
        if (!Fixtures.Has("onnx-annotators", "manifest.json"))
            return null;
        using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(File("manifest.json")));
        return document.RootElement.Clone();
    }
}
