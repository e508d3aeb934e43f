using System.Text.Json;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>
/// The tables of fixtures/training: a row for each tensor with its sum, the sums of absolute values and of squares, and its first eight
/// values. Compared within a few times the rounding error that the README states.
/// </summary>
internal static class CheckRows
{
    /// <summary>Multiple of the rounding error that is allowed, because sums may be taken in another order.</summary>
    private const double Few = 5;

    private static readonly JsonElement Runs = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("training", "runs.json"))).RootElement;
    private static readonly ReferenceTensors Tables = new(Fixtures.Path("training", "runs.safetensors"));

    public static JsonElement Run(string name) => Runs.GetProperty(name);

    public static double[] Numbers(string run, string key) => [.. Run(run).GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];

    public static void Compare(string table, IReadOnlyDictionary<string, Tensor?> actual, string names = "control")
    {
        using var scope = NewDisposeScope();
        var spread = Runs.GetProperty("spread").GetProperty(table);
        var (sums, values) = (Few * spread.GetProperty("sums").GetDouble(), Few * spread.GetProperty("values").GetDouble());
        var rows = Tables.Doubles(table);
        var row = 0;
        foreach (var name in Runs.GetProperty("names").GetProperty(names).EnumerateArray().Select(e => e.GetString()!))
        {
            var expected = rows.AsSpan(11 * row++, 11);
            if (double.IsNaN(expected[0]))
            {
                Assert.True(actual[name] is null, $"{table}: {name} has a gradient, expected none");
                continue;
            }

            var tensor = actual[name] ?? throw new InvalidOperationException($"{table}: {name} has no gradient");
            using var numbers = tensor.detach().to(ScalarType.Float64).flatten();
            var floor = Math.Max(expected[1], 1e-12);
            Within(numbers.sum().item<double>(), expected[0], sums * floor, "sum");
            Within(numbers.abs().sum().item<double>(), expected[1], sums * floor, "sum of absolute values");
            var first = ControlGraph.Values(numbers.narrow(0, 0, Math.Min(8, numbers.numel())));
            for (var i = 0; i < first.Length; i++)
                Within(first[i], expected[3 + i], Math.Max(values, 1e-7 * Math.Abs(expected[3 + i])), $"value {i}");

            void Within(double found, double wanted, double tolerance, string what) => Close.Number(wanted, found, tolerance, $"{table}: {what} of {name}");
        }
    }

    public static void Relative(double expected, double actual, string what, double tolerance = 1e-5) =>
        Close.Number(expected, actual, tolerance * Math.Abs(expected), what);
}
