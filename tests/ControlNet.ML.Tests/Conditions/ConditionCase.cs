using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>One case of the conditions' manifest: an operation, its input and parameters, and what the reference made of them.</summary>
internal sealed class ConditionCase
{
    private static readonly Lazy<JsonElement?> Manifest = new(ReadManifest);
    private readonly JsonElement _case;

    private ConditionCase(JsonElement element) => _case = element;

    public static IEnumerable<ConditionCase> All =>
        Manifest.Value is { } manifest ? manifest.GetProperty("cases").EnumerateArray().Select(element => new ConditionCase(element)) : [];

    public string Id => Text(_case, "id");

    public string Operation => Text(_case, "op");

    /// <summary>The only input, decoded.</summary>
    public ImageBuffer Image => ImageCodec.Load(InputFiles.First());

    /// <summary>All inputs, decoded.</summary>
    public ImageBuffer[] Images => [.. InputFiles.Select(file => ImageCodec.Load(file))];

    /// <summary>The second input's file: a mask or a flow.</summary>
    public string SecondFile => InputFiles.ElementAt(1);

    /// <summary>The one map of the input that the parameter "key" names.</summary>
    public FloatMap Map
    {
        get
        {
            var name = Parameter("key").GetString()!;
            return Tensors.Shape(name) is [var height, var width] ? new FloatMap(width, height, Tensors.Floats(name)) : throw new NotSupportedException(Id);
        }
    }

    public ReferenceTensors Expected => new(OutputFile);

    public ReferenceTensors Tensors => new(InputFiles.First());

    private IEnumerable<string> InputFiles => _case.GetProperty("input").EnumerateArray()
        .Select(name => Fixtures.Path("conditions", Text(Manifest.Value!.Value.GetProperty("inputs").GetProperty(name.GetString()!), "file")));

    public static ConditionCase Find(string id) => All.First(c => c.Id == id);

    public bool Has(string parameter) => _case.TryGetProperty("params", out var all) && all.TryGetProperty(parameter, out _);

    public JsonElement Parameter(string name) => _case.GetProperty("params").GetProperty(name);

    public int Int(string name) => Parameter(name).GetInt32();

    public double Double(string name) => Parameter(name).GetDouble();

    public TEnum Choice<TEnum>(string name)
        where TEnum : struct => Enum.Parse<TEnum>(Parameter(name).GetString()!, ignoreCase: true);

    public JsonElement ExpectedJson() => ReadJson(OutputFile);

    /// <summary>A list beside the manifest that cases share.</summary>
    public JsonElement Json(string path) => ReadJson(Fixtures.Path("conditions", path));

    /// <summary>Compares samples within the case's tolerance. A grey result may be asked for as three equal channels and the other way round.</summary>
    public void Check(ImageBuffer actual)
    {
        var expected = ImageCodec.Load(OutputFile);
        if (expected.Channels != actual.Channels)
            (expected, actual) = (Color.Rgb(expected), Color.Rgb(actual));
        Assert.Equal(expected.ToString(), actual.ToString());
        int largest = 0, differing = 0;
        for (var i = 0; i < expected.Samples.Length; i++)
        {
            var difference = Math.Abs(expected.Samples[i] - actual.Samples[i]);
            largest = Math.Max(largest, difference);
            differing += difference == 0 ? 0 : 1;
        }

        var (levels, share) = AllowedLevels();
        var found = differing / (double)expected.Samples.Length;
        Assert.True(largest <= levels && found <= share, $"{Id}: differs by up to {largest} levels in {found:p3} of the samples; allowed {levels} in {share:p3}");
    }

    /// <summary>Compares values within the case's absolute tolerance; the key is y.</summary>
    public void Check(ReadOnlySpan<float> actual, params ReadOnlySpan<int> shape)
    {
        var reference = new ReferenceTensors(OutputFile);
        Assert.Equal(reference.Shape("y"), shape.ToArray());
        var expected = reference.Doubles("y");
        var tolerance = _case.GetProperty("tolerance");
        var allowed = Text(tolerance, "kind") == "exact" ? 0 : AbsoluteTolerance;
        Close.Absolute(expected, actual, allowed, Id);
    }

    public double AbsoluteTolerance
    {
        get
        {
            Assert.Equal("abs", Text(_case.GetProperty("tolerance"), "kind"));
            return _case.GetProperty("tolerance").GetProperty("max").GetDouble();
        }
    }

    private string OutputFile => Fixtures.Path("conditions", Text(_case, "output"));

    private (int Levels, double Share) AllowedLevels()
    {
        var tolerance = _case.GetProperty("tolerance");
        return Text(tolerance, "kind") switch
        {
            "exact" => (0, 0),
            "levels" => (tolerance.GetProperty("max").GetInt32(), tolerance.GetProperty("share").GetDouble()),
            "flips" => (255, tolerance.GetProperty("share").GetDouble()),
            var kind => throw new NotSupportedException($"{Id}: tolerance {kind}"),
        };
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static JsonElement? ReadManifest() =>
        Fixtures.Has("conditions", "manifest.json") ? ReadJson(Fixtures.Path("conditions", "manifest.json")) : null;

    private static JsonElement ReadJson(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }
}
