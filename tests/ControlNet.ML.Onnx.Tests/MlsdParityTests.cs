using ControlNet.ML.Tests.Conditions;

namespace ControlNet.ML.Onnx.Tests;

/// <summary>M-LSD's real network, end to end: what it gives, and the lines that are read from it.</summary>
[Trait("Category", "Parity")]
public class MlsdParityTests
{
    private static readonly Dictionary<string, Action<ConditionCase>> Operations = new()
    {
        ["mlsd-raw"] = Raw,
        ["mlsd-lines"] = Lines,
    };

    public static TheoryData<string> Cases => Fixtures.Cases(ConditionCase.All.Where(c => Operations.ContainsKey(c.Operation)).Select(c => c.Id));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_reference(string id)
    {
        Fixtures.SkipIfNothing(id, "M-LSD");
        var found = ConditionCase.Find(id);
        Operations[found.Operation](found);
    }

    private static LearnedLinesOptions OptionsOf(ConditionCase c) => new()
    {
        Network = c.Choice<LineNetwork>("model"),
        ScoreThreshold = c.Has("score_threshold") ? c.Double("score_threshold") : 0.1,
        DistanceThreshold = c.Has("distance_threshold") ? c.Double("distance_threshold") : 0.1,
    };

    private static void Raw(ConditionCase c)
    {
        using var mlsd = Mlsd.Open(OptionsOf(c));
        var outputs = mlsd.Run(c.Image);
        var scores = outputs.Single(output => output.Port.Shape[3] == 1);
        var offsets = outputs.Single(output => output.Port.Shape[3] == 4);
        var columns = scores.Port.Shape[2];
        CheckScores(c.Expected.Doubles("scores"), scores.Floats, columns);

        var best = c.Expected.Doubles("best_yx");
        var bestOffsets = c.Expected.Doubles("best_offsets");
        for (var i = 0; i < best.Length / 2; i++)
        {
            var at = ((int)best[2 * i] * columns) + (int)best[(2 * i) + 1];
            Close.Absolute(bestOffsets.AsSpan(4 * i, 4), offsets.Floats.AsSpan(4 * at, 4), c.AbsoluteTolerance, $"offsets at the {i}th best");
        }
    }

    /// <summary>
    /// The graph keeps only what is as large as its neighbours. Along an even edge many places are equally large but for the last bit, and which of
    /// them stay depends on the order of additions: there the same score has to stand within two places.
    /// </summary>
    private static void CheckScores(double[] expected, float[] actual, int columns)
    {
        const double Tolerance = 5e-4;
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (Close.IsWithin(expected[i], actual[i], Tolerance))
                continue;
            var larger = Math.Max(expected[i], actual[i]);
            var isTie = Enumerable.Range(-2, 5).SelectMany(dy => Enumerable.Range(-2, 5).Select(dx => (dx, dy)))
                .Any(d => d != (0, 0) && Close.IsWithin(expected.ElementAtOrDefault(i + (d.dy * columns) + d.dx), larger, 1e-6));
            Assert.True(isTie, $"scores: {actual[i]} at {i % columns}, {i / columns}, expected {expected[i]}");
        }
    }

    private static void Lines(ConditionCase c)
    {
        using var mlsd = Mlsd.Open(OptionsOf(c));
        var found = mlsd.Lines(c.Image).ToList();
        var expected = c.ExpectedJson().EnumerateArray().Select(line => line.EnumerateArray().Select(e => e.GetDouble()).ToArray()).ToArray();
        Assert.Equal(expected.Length, found.Count);
        Assert.Equal(found.Select(line => line.Score).OrderDescending(), found.Select(line => line.Score));

        // Lines of nearly equal score may have changed places, so each is looked for.
        foreach (var line in expected)
        {
            var at = found.FindIndex(f => new[] { f.X0, f.Y0, f.X1, f.Y1, f.Score }.Zip(line).All(pair => Close.IsWithin(pair.Second, pair.First, c.AbsoluteTolerance)));
            Assert.True(at >= 0, $"{c.Id}: no line [{string.Join(", ", line)}]");
            found.RemoveAt(at);
        }
    }
}
