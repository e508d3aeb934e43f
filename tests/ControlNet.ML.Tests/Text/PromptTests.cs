using ControlNet.ML.Text;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Text;

public sealed class PromptTests
{
    [Property]
    public void Windows_are_always_77_long_between_start_and_end(NonNull<string> text, byte times)
    {
        var prompt = string.Concat(Enumerable.Repeat(text.Get, times));
        foreach (var window in PromptWindows.CutWeighted(Tokenizers.Clip, prompt))
        {
            Assert.Equal(77, window.Ids.Count);
            Assert.Equal(77, window.Weights.Count);
            Assert.Equal(Tokenizers.Clip.BosTokenId, window.Ids[0]);
            Assert.Equal(Tokenizers.Clip.EosTokenId, window.Ids[^1]);
        }
    }

    [Property]
    public void Windows_hold_the_ids_in_order(NonNull<string> text, byte times)
    {
        var prompt = string.Concat(Enumerable.Repeat(text.Get, times));
        var ids = Tokenizers.Clip.Encode(prompt);
        var windows = PromptWindows.Cut(Tokenizers.Clip, prompt);
        Assert.Equal(Math.Max(1, (ids.Count + 74) / 75), windows.Count);
        Assert.Equal(ids, windows.SelectMany(window => window.Ids.Skip(1).Take(75)).Take(ids.Count));
    }

    [Property]
    public void A_text_without_brackets_has_weight_1(NonNull<string> text)
    {
        var plain = string.Concat(text.Get.Where(character => !"()[]\\".Contains(character, StringComparison.Ordinal)));
        Assert.Equal([new WeightedText(plain, 1)], PromptWeights.Parse(plain));
    }

    [Property]
    public void Escaped_text_comes_back(NonNull<string> text)
    {
        var escaped = string.Concat(text.Get.Select(character => "()[]\\".Contains(character, StringComparison.Ordinal) ? $"\\{character}" : $"{character}"));
        Assert.Equal([new WeightedText(text.Get, 1)], PromptWeights.Parse(escaped));
    }

    [Theory]
    [InlineData("(a:1.2.3)", "a:1.2.3", 1.1)]
    [InlineData("(a:.)", "a:.", 1.1)]
    [InlineData("(a:+)", "a:+", 1.1)]
    [InlineData("(a:1 2)", "a:1 2", 1.1)]
    [InlineData("(a:1.5", "a:1.5", 1.1)]
    [InlineData("(a:-.5)", "a", -0.5)]
    public void Only_a_number_is_a_weight(string prompt, string text, double weight) =>
        Assert.Equal([new WeightedText(text, weight)], PromptWeights.Parse(prompt));

    [Fact]
    public void Deep_brackets_are_parsed()
    {
        Assert.Equal(5_000, PromptWeights.Parse(string.Concat(Enumerable.Repeat("(a:[", 5_000))).Sum(part => part.Text.Count(character => character == 'a')));
        Assert.Equal([new WeightedText(new string('a', 100_000), 1.1)], PromptWeights.Parse(string.Concat(Enumerable.Repeat("(a)", 100_000))));
    }

    [Fact]
    public void A_weight_beyond_all_numbers_is_refused() =>
        Assert.Contains("'a'", Assert.Throws<ControlNetException>(() => PromptWeights.Parse(new string('(', 20_000) + "a")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a BREAK b", "a |1 b")]
    [InlineData("BREAK", "|")]
    [InlineData("a, BREAK, b", "a, |1, b")]
    [InlineData("BREAKFAST a_BREAK break BREAK2 ÉBREAK", "BREAKFAST a_BREAK break BREAK2 ÉBREAK")]
    [InlineData("BREAK(a BREAK b)", "|1.1a |1.1 b")]
    [InlineData("(a BREAK b:2) c", "2a |2 b1 c")]
    [InlineData("\\(BREAK\\)", "(|1)")]
    public void Break_ends_a_window(string prompt, string expected)
    {
        var parts = PromptWeights.Parse(prompt);
        var text = string.Concat(parts.Select((part, i) =>
            (i == 0 && part.Weight == 1 ? "" : part.Weight.ToString(System.Globalization.CultureInfo.InvariantCulture)) + part.Text + (part.EndsWindow ? "|" : "")));
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("a BREAK b", "a", "b")]
    [InlineData("BREAK", "")]
    [InlineData("a BREAK", "a")]
    [InlineData("BREAK a", "", "a")]
    [InlineData("a BREAK BREAK b", "a", "", "b")]
    public void Each_break_ends_a_window_even_an_empty_one(string prompt, params string[] expected) =>
        Assert.Equal(
            expected.Select(text => PromptWindows.Cut(Tokenizers.Clip, text)[0].Ids),
            PromptWindows.CutWeighted(Tokenizers.Clip, prompt).Select(window => window.Ids));

    [Fact]
    public void A_break_after_a_full_window_adds_none()
    {
        var full = string.Join(' ', Enumerable.Repeat("cat", 75));
        Assert.Equal([75, 1], PromptWindows.CutWeighted(Tokenizers.Clip, $"{full} BREAK dog").Select(window => window.TextLength));
        Assert.Equal([75, 1, 1], PromptWindows.CutWeighted(Tokenizers.Clip, $"{full} cat BREAK dog").Select(window => window.TextLength));
        Assert.Equal(2, PromptWindows.Cut(Tokenizers.Clip, $"{full} BREAK dog").Count);
        Assert.Equal(Tokenizers.Clip.Encode($"{full} BREAK dog"), PromptWindows.Cut(Tokenizers.Clip, $"{full} BREAK dog").SelectMany(window => window.Text));
    }
}
