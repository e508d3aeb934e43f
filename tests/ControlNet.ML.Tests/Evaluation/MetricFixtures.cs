using System.Text.Json;
using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Tests.Evaluation;

/// <summary>The inputs and results of fixtures/metrics.</summary>
internal static class MetricFixtures
{
    private static readonly Lazy<ReferenceTensors> Inputs = new(() => new(Fixtures.Path("metrics", "arrays.safetensors")));

    public static ReferenceTensors Arrays
    {
        get
        {
            Assert.SkipUnless(Fixtures.Has("metrics", "arrays.safetensors"), $"No metrics in {Fixtures.Root}.");
            return Inputs.Value;
        }
    }

    public static JsonElement Expected(string section) =>
        JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("metrics", "results.json"))).RootElement.GetProperty(section);

    public static double Number(this JsonElement element, string name) => element.GetProperty(name).GetDouble();

    public static double[] Numbers(this JsonElement element, string name) => Numbers(element.GetProperty(name));

    public static double[] Numbers(JsonElement list) =>
        [.. list.EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Null ? double.NaN : value.GetDouble())];

    /// <summary>Relative to the expected number, and absolute near 0.</summary>
    public static void Same(double expected, double actual, string what, double tolerance = 1e-9) =>
        Close.Number(expected, actual, tolerance * Math.Max(1, Math.Abs(expected)), what);

    public static void Same(IReadOnlyList<double> expected, IReadOnlyList<double> actual, string what, double tolerance = 1e-9)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            if (double.IsNaN(expected[i]))
                Assert.True(double.IsNaN(actual[i]), $"{what} {i}");
            else
                Same(expected[i], actual[i], $"{what} {i}", tolerance);
        }
    }

    /// <summary>The rows of an array.</summary>
    public static double[][] Rows(string name)
    {
        var (values, shape) = (Arrays.Doubles(name), Arrays.Shape(name));
        return [.. Enumerable.Range(0, shape[0]).Select(i => values[(i * (values.Length / shape[0]))..((i + 1) * (values.Length / shape[0]))])];
    }

    public static int[][] Indices(string name) => [.. Rows(name).Select(row => row.Select(value => (int)value).ToArray())];

    public static FeatureSet Features(string name, int? rows = null) => Features(Rows(name).Take(rows ?? int.MaxValue));

    public static FeatureSet Features(IEnumerable<double[]> rows, string extractor = "")
    {
        FeatureSet? set = null;
        foreach (var row in rows)
            (set ??= new FeatureSet(row.Length, extractor)).Add(row);
        return set!;
    }
}
