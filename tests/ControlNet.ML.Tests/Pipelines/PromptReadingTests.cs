using ControlNet.ML.Pipelines;
using ControlNet.ML.Tests.Text;
using ControlNet.ML.Text;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Pipelines;

/// <summary>How a prompt is read: which brackets are text, and what becomes of long prompts.</summary>
public sealed class PromptReadingTests
{
    private static readonly PromptReading Plain = new(PromptSyntax.Plain, LongPrompts.Windows);
    private static readonly PromptReading Weighted = new(PromptSyntax.Weighted, LongPrompts.Windows);
    private static readonly PromptReading Truncated = new(PromptSyntax.Plain, LongPrompts.Truncate);

    [Property]
    public void Plain_prompts_have_no_weights(NonNull<string> text, byte times)
    {
        var prompt = string.Concat(Enumerable.Repeat(text.Get + "(a:2) BREAK", times % 32));
        Assert.Equal(PromptWindows.Cut(Tokenizers.Clip, prompt).Select(window => window.Ids), Cut(Plain, prompt).Select(window => window.Ids));
        Assert.All(Cut(Plain, prompt), window => Assert.False(window.IsWeighted));
    }

    [Property]
    public void Brackets_can_be_said_with_weights_on(NonNull<string> text)
    {
        var escaped = string.Concat(text.Get.Select(character => "()[]\\".Contains(character, StringComparison.Ordinal) ? $"\\{character}" : $"{character}"));
        Assert.Equal(Cut(Plain, text.Get).Select(window => window.Ids), Cut(Weighted, escaped).Select(window => window.Ids));
        Assert.All(Cut(Weighted, escaped), window => Assert.False(window.IsWeighted));
        Assert.True(Cut(Weighted, "(a:2)").Single().IsWeighted);
    }

    [Property]
    public void A_cut_prompt_is_diffusers_and_says_what_was_cut(NonNull<string> text, byte times)
    {
        var prompt = string.Concat(Enumerable.Repeat(text.Get + " cat ", times));
        List<string> warnings = [];
        var window = Assert.Single(Truncated.Cut([Tokenizers.Bang], prompt, warnings)[0]);
        var expected = Tokenizers.Bang.Tokenize(prompt);
        Assert.Equal(expected.Ids, window.Ids);
        if (expected.Truncated is { } cut)
            Assert.EndsWith($"left out: {Message.Name(cut.Trim())}.", Assert.Single(warnings), StringComparison.Ordinal);
        else
            Assert.Empty(warnings);
        Plain.Cut([Tokenizers.Bang], prompt, warnings);
        Assert.Equal(expected.Truncated is null ? 0 : 1, warnings.Count);
    }

    [Fact]
    public void A_second_window_of_either_encoder_is_padded_by_the_other()
    {
        // 60 tokens for the one, twice as many for the other, in which each ! is a token of its own.
        var prompt = string.Join(' ', Enumerable.Repeat("!!", 60));
        Assert.Equal((60, 120), (Tokenizers.Clip.Encode(prompt).Count, Tokenizers.Bang.Encode(prompt).Count));
        var windows = Plain.Cut([Tokenizers.Clip, Tokenizers.Bang], prompt);
        Assert.Equal([2, 2], windows.Select(all => all.Count));
        Assert.Equal(PromptWindows.Cut(Tokenizers.Clip, "")[0].Ids, windows[0][1].Ids);

        List<string> warnings = [];
        Assert.All(Truncated.Cut([Tokenizers.Clip, Tokenizers.Bang], prompt, warnings), all => Assert.Single(all));
        Assert.Single(warnings);
    }

    [Fact]
    public void A_file_for_a_prompt_is_refused()
    {
        var most = string.Join(' ', Enumerable.Repeat("cat", 7_500));
        Assert.Equal(PromptReading.MaxWindows, Cut(Plain, most).Count);
        var error = Assert.Throws<ControlNetException>(() => Cut(Plain, most + " cat")).Message;
        Assert.StartsWith("The prompt 'cat cat ", error, StringComparison.Ordinal);
        Assert.EndsWith("' has 101 windows of 75 tokens, expected at most 100.", error, StringComparison.Ordinal);
        Assert.Single(Cut(Truncated, most + " cat"));
    }

    [Fact]
    public void Options_that_are_none_are_refused()
    {
        Assert.Equal("The prompt syntax is 7, expected 'plain' or 'weighted'.", new GenerateOptions { PromptSyntax = (PromptSyntax)7 }.Validate());
        Assert.Equal("LongPrompts is 7, expected 'Windows' or 'Truncate'.", new GenerateOptions { LongPrompts = (LongPrompts)7 }.Validate());
        Assert.Null(new GenerateOptions { PromptSyntax = PromptSyntax.Weighted, LongPrompts = LongPrompts.Truncate }.Validate());
    }

    private static IReadOnlyList<PromptWindow> Cut(PromptReading reading, string prompt) => reading.Cut([Tokenizers.Clip], prompt)[0];
}
