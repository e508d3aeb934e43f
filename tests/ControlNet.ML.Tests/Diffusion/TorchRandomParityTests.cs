using System.Text.Json;
using System.Text.RegularExpressions;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Every recorded draw of torch's CPU generator, made again.</summary>
[Trait("Category", "Parity")]
public sealed partial class TorchRandomParityTests
{
    private const string Kind = "torch-random.json";
    private const double NormalTolerance = 5e-7;

    public static TheoryData<string> Cases => Fixtures.Cases(Draws("cases").Select((draw, i) =>
        $"{i}: {draw.GetProperty("call").GetString()}, seed {draw.GetProperty("seed").GetRawText()}"));

    public static TheoryData<string> Sequences => Fixtures.Cases(Draws("sequences").Select((_, i) => $"{i}"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_draw_from_a_fresh_generator_gives_torchs_numbers(string name)
    {
        Fixtures.SkipIfNothing(name, Kind);
        var draw = Draws("cases")[int.Parse(name.Split(':')[0])];
        var expected = draw.TryGetProperty("value", out var value)
            ? Numbers(value)
            : new ReferenceTensors(Fixtures.Path("schedulers", "torch-random.safetensors")).Doubles(draw.GetProperty("tensor").GetString()!);
        Check(expected, SeedOf(draw), draw.GetProperty("call").GetString()!, null);
    }

    [Theory]
    [MemberData(nameof(Sequences))]
    public void One_generator_keeps_its_place_through_draws_of_all_kinds(string name)
    {
        Fixtures.SkipIfNothing(name, Kind);
        var sequence = Draws("sequences")[int.Parse(name)];
        var random = new TorchRandom(SeedOf(sequence));
        foreach (var draw in sequence.GetProperty("draws").EnumerateArray())
            Check(Numbers(draw[1]), SeedOf(sequence), draw[0].GetString()!, random);
    }

    private static void Check(double[] expected, ulong seed, string call, TorchRandom? random)
    {
        var actual = Draw(call, seed, random ?? new TorchRandom(seed));
        Assert.True(expected.Length == actual.Length, $"{call}: {actual.Length} values, expected {expected.Length}");
        var tolerance = call.Contains("sum()") && call.StartsWith("randn") ? 1e-3
            : call.Contains("randn") || call.Contains("normal_") ? NormalTolerance
            : 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var allowed = tolerance * Math.Max(1, Math.Abs(expected[i]));
            Close.Number(expected[i], actual[i], allowed, $"{call}, seed {seed}, element {i}");
        }
    }

    private static double[] Draw(string call, ulong seed, TorchRandom random)
    {
        var size = call.StartsWith("randint") ? LastCount(call) : SizeOf(call);
        if (call.StartsWith("randn_tensor"))
        {
            if (!call.Contains('['))
                return Floats(size, random.FillNormal);
            var rows = int.Parse(Count().Match(call).Value);
            return [.. Enumerable.Range(0, rows).SelectMany(row => Floats(size / rows, new TorchRandom(seed + (ulong)row).FillNormal))];
        }

        return call switch
        {
            _ when call.StartsWith("randn") && call.Contains("bfloat16") => Floats(size, values => random.FillNormal(values, NoisePrecision.BFloat16)),
            _ when call.StartsWith("randn") && call.Contains("dtype=float16") => Floats(size, values => random.FillNormal(values, NoisePrecision.Half)),
            _ when call.StartsWith("randn") && call.Contains("dtype=float64") => Doubles(size, random.FillNormal),
            _ when call.StartsWith("randn") => Part(call, Floats(size, random.FillNormal)),
            _ when call.StartsWith("randperm") => Part(call, [.. random.Permutation(size).Select(i => (double)i)]),
            _ when call.StartsWith("(randperm") => [random.Permutation(size).Select((value, i) => (double)value * i).Sum()],
            _ when call.StartsWith("randint") => Repeat(size, () => random.NextInt64(Arguments(call)[0], Arguments(call)[1])),
            _ when call.StartsWith("(rand") => Repeat(size, () => random.NextBernoulliSingle((float)Probability(call)) ? 1 : 0),
            _ when call.StartsWith("rand(") && call.Contains("float64") => Doubles(size, random.FillUniform),
            _ when call.StartsWith("rand(") => Part(call, Floats(size, random.FillUniform)),
            _ when call.StartsWith("bernoulli") => Repeat(size, () => random.NextBernoulliSingle((float)Probability(call)) ? 1 : 0),
            _ when call.Contains("bernoulli_") => Repeat(size, () => random.NextBernoulli(Probability(call)) ? 1 : 0),
            _ when call.Contains("random_()") => [random.NextInt64()],
            _ when call.Contains("uniform_") => Floats(size, values => random.FillUniform(values, (float)Tail(call)[0], (float)Tail(call)[1])),
            _ when call.Contains("normal_") => Floats(size, values => random.FillNormal(values, Tail(call)[0], Tail(call)[1])),
            _ => throw new NotSupportedException(call),
        };
    }

    private static double[] Part(string call, double[] values)
    {
        if (call.Contains("sum()"))
            return [values.Sum()];
        if (Slice().Match(call) is not { Success: true } slice)
            return values;
        return slice.Groups[1].Value.Length > 0 ? values[..int.Parse(slice.Groups[1].Value)] : values[^int.Parse(slice.Groups[2].Value)..];
    }

    // The product of the first list of sizes in the call.
    private static int SizeOf(string call)
    {
        var match = Sizes().Match(call);
        return match.Success ? match.Value.Split(',').Select(int.Parse).Aggregate(1, (a, b) => a * b) : 1;
    }

    private static long[] Arguments(string call) => [.. call.Split('(')[1].Split(',').Take(2).Select(long.Parse)];

    private static int LastCount(string call) => int.Parse(Count().Matches(call)[^1].Value);

    private static double Probability(string call) => double.Parse(Fraction().Match(call).Value);

    private static double[] Tail(string call) =>
        [.. call[(call.LastIndexOf('(') + 1)..].TrimEnd(')').Split(',').Select(double.Parse)];

    private static double[] Floats(int count, FillFloats fill)
    {
        var values = new float[count];
        fill(values);
        return [.. values.Select(value => (double)value)];
    }

    private static double[] Doubles(int count, FillDoubles fill)
    {
        var values = new double[count];
        fill(values);
        return values;
    }

    private static double[] Repeat(int count, Func<double> draw) => [.. Enumerable.Range(0, count).Select(_ => draw())];

    private static ulong SeedOf(JsonElement draw) =>
        draw.GetProperty("seed").TryGetUInt64(out var seed) ? seed : unchecked((ulong)draw.GetProperty("seed").GetInt64());

    private static double[] Numbers(JsonElement value) => [.. value.EnumerateArray().Select(entry => entry.GetDouble())];

    private static JsonElement[] Draws(string list) => FixtureJson.List(list, "schedulers", Kind);

    private delegate void FillFloats(Span<float> values);

    private delegate void FillDoubles(Span<double> values);

    [GeneratedRegex(@"\[(?::(\d+)|-(\d+):)\]")]
    private static partial Regex Slice();

    [GeneratedRegex(@"(?<=\()\d+(\s*,\s*\d+)*")]
    private static partial Regex Sizes();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Count();

    [GeneratedRegex(@"0\.\d+")]
    private static partial Regex Fraction();
}
