using System.Text.Json;
using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>text/prompts.json: long prompts and weights.</summary>
[Trait("Category", "Parity")]
public sealed class PromptParityTests
{
    private const string CasesFile = "prompts.json";
    private const double WeightTolerance = 1e-12;

    public static TheoryData<string> Windows() => ReferenceCases.Of(CasesFile, "windows");

    public static TheoryData<string> Weights() => ReferenceCases.Of(CasesFile, "weights");

    public static TheoryData<string> WeightedWindows() => ReferenceCases.Of(CasesFile, "weighted_windows");

    [Theory]
    [MemberData(nameof(Windows))]
    public void A_long_prompt_is_cut_into_windows(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "windows", name);
        foreach (var (kind, tokenizer) in new[] { ("eos", Tokenizers.Clip), ("bang", Tokenizers.Bang) })
        {
            var windows = PromptWindows.Cut(tokenizer, ReferenceCases.Text(entry));
            Assert.Equal(entry.GetProperty(kind).EnumerateArray().Select(ReferenceCases.Ids), windows.Select(window => window.Ids));
            Assert.All(windows, window => Assert.All(window.Weights, weight => Assert.Equal(1, weight)));
        }
    }

    [Theory]
    [MemberData(nameof(Weights))]
    public void Brackets_give_weights(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "weights", name);
        var parts = PromptWeights.Parse(ReferenceCases.Text(entry));
        JsonElement[] expected = [.. entry.GetProperty("parts").EnumerateArray()];
        Assert.Equal(expected.Select(part => part[0].GetString()), parts.Select(part => part.Text));
        Close.Absolute([.. expected.Select(part => part[1].GetDouble())], [.. parts.Select(part => part.Weight)], WeightTolerance, "weight");
    }

    [Theory]
    [MemberData(nameof(WeightedWindows))]
    public void A_weighted_prompt_is_cut_into_windows_with_weights(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "weighted_windows", name);
        var windows = PromptWindows.CutWeighted(Tokenizers.Clip, ReferenceCases.Text(entry));
        Assert.Equal(entry.GetProperty("ids").EnumerateArray().Select(ReferenceCases.Ids), windows.Select(window => window.Ids));
        foreach (var (expected, window) in entry.GetProperty("weights").EnumerateArray().Zip(windows))
            Close.Absolute(ReferenceCases.Numbers(expected), window.Weights.ToArray(), WeightTolerance, "weight");
    }
}
