using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Tests.Text;

/// <summary>What any code that takes a <see cref="Tokenizer"/> of Microsoft.ML.Tokenizers relies on.</summary>
public sealed class TokenizerContractTests
{
    private static readonly Tokenizer[] All = [Tokenizers.Clip, Tokenizers.Bang, Tokenizers.Fast, Tokenizers.Clip.WithTokens("<cat>", "Ωs"), Tokenizers.Fast.WithTokens("<cat>", "ωs")];

    private const string Prompt = "A Photo of an <cat>astronaut's 3 supercalifragilistic  hats, caf\u00E9 \U0001F42F\U0001F680!! ";

    [Fact]
    public void Tokens_have_values_and_places_in_the_normalized_text()
    {
        Tokenizer tokenizer = Tokenizers.Clip.WithTokens("<Cat>");
        var tokens = tokenizer.EncodeToTokens("A <Cat>Caf\u00E9's \U0001F42F", out var normalized);
        Assert.Equal("a <Cat>caf\u00E9's \U0001F42F", normalized);
        Assert.Equal(
            [("a</w>", 0, 1), ("<Cat>", 2, 7), ("caf\u00C3\u00A9</w>", 7, 11), ("'s</w>", 11, 13), ("\u00F0\u0141\u0132\u00AF</w>", 14, 16)],
            tokens.Select(token => (token.Value, token.Offset.Start.Value, token.Offset.End.Value)));
    }

    [Fact]
    public void Tokens_of_one_character_all_have_its_place()
    {
        Tokenizer tokenizer = Tokenizers.Tiny(["a", "\u00F0", "\u0141", "\u0132", "\u00AF</w>"], []);
        var tokens = tokenizer.EncodeToTokens("a\U0001F42F", out _, considerPreTokenization: false);
        Assert.Equal([(0, 0..1), (1, 1..3), (2, 1..3), (3, 1..3), (4, 1..3)], tokens.Select(token => (token.Id, token.Offset)));
    }

    [Fact]
    public void Without_normalization_the_text_is_taken_as_it_stands()
    {
        Tokenizer tokenizer = Tokenizers.Tiny(["a", "A", "a</w>", "A</w>"], []);
        Assert.Equal([2, 2], tokenizer.EncodeToIds("A a"));
        var tokens = tokenizer.EncodeToTokens("A a", out var normalized, considerNormalization: false);
        Assert.Null(normalized);
        Assert.Equal([(3, 0..1), (2, 2..3)], tokens.Select(token => (token.Id, token.Offset)));
    }

    [Fact]
    public void Without_pre_tokenization_a_text_is_one_word_or_one_added_token()
    {
        Tokenizer tokenizer = Tokenizers.Tiny(["a", "\u0120", "b</w>"], []).WithTokens("<cat>");
        Assert.Equal([5], tokenizer.EncodeToIds("<cat>", considerPreTokenization: false));
        Assert.Equal([0, 1, 2], tokenizer.EncodeToIds("A b", considerPreTokenization: false));
        Assert.Equal([4], tokenizer.EncodeToIds("<|endoftext|>", considerPreTokenization: false));
        Assert.Equal("a<|endoftext|>".Length, tokenizer.CountTokens("a<|endoftext|>", considerPreTokenization: false));
        Assert.Empty(tokenizer.EncodeToIds("", considerPreTokenization: false));
    }

    [Fact]
    public void Normalizer_and_pre_tokenizer_can_be_used_alone()
    {
        Tokenizer tokenizer = Tokenizers.Clip.WithTokens("<Cat>");
        Assert.Equal("t\u00E9s <Cat> <cat>", tokenizer.Normalizer!.Normalize("TE\u0301S\u200B <Cat> <CAT>"));
        Assert.Equal([(0, 3), (3, 3), (6, 5), (11, 1), (12, 1), (14, 2)], tokenizer.PreTokenizer!.PreTokenize("you're<Cat>42 !?"));
        Assert.Equal([(0, 1), (1, 3), (4, 1)], tokenizer.PreTokenizer.PreTokenize("<CAT>".AsSpan()));
    }

    [Property]
    public void All_ways_of_encoding_agree(ushort[] units)
    {
        foreach (var text in Texts(units))
        {
            foreach (var tokenizer in All)
            {
                var ids = tokenizer.EncodeToIds(text);
                var tokens = tokenizer.EncodeToTokens(text, out var normalized);
                Assert.Equal(ids, tokens.Select(token => token.Id));
                Assert.Equal(ids, ((ML.Text.ClipTokenizer)tokenizer).Encode(text));
                Assert.Equal(ids, tokenizer.EncodeToIds(text.AsSpan()));
                Assert.Equal(tokens, tokenizer.EncodeToTokens(text.AsSpan(), out _));
                Assert.Equal(ids.Count, tokenizer.CountTokens(text));
                Assert.Equal(ids.Count, tokenizer.CountTokens(text.AsSpan()));
                Assert.Equal(tokenizer.Normalizer!.Normalize(text), normalized);
                Assert.Equal(normalized, tokenizer.Normalizer.Normalize(text.AsSpan()));
            }
        }
    }

    [Property]
    public void Places_are_in_order_and_cover_all_but_white_space(ushort[] units)
    {
        foreach (var text in Texts(units))
        {
            foreach (var tokenizer in All)
            {
                AssertCovered(tokenizer.EncodeToTokens(text, out var normalized), normalized!);
                AssertCovered(tokenizer.EncodeToTokens(text, out _, considerNormalization: false), text);
            }
        }
    }

    [Property]
    public void Ids_up_to_a_maximum_are_the_first_ones(ushort[] units, PositiveInt max)
    {
        foreach (var text in Texts(units))
        {
            foreach (var tokenizer in All)
            {
                var tokens = tokenizer.EncodeToTokens(text, out _);
                var ids = tokenizer.EncodeToIds(text, max.Get, out var normalized, out var consumed);
                Assert.Equal(tokens.Take(max.Get).Select(token => token.Id), ids);
                Assert.Equal(ids.Count == tokens.Count ? normalized!.Length : tokens[ids.Count - 1].Offset.End.Value, consumed);
            }
        }
    }

    // What GetIndexByTokenCount is for: cutting a text so that its parts keep their tokens.
    [Property]
    public void A_text_cut_by_token_count_keeps_its_tokens(ushort[] units, PositiveInt max)
    {
        foreach (var text in Texts(units))
        {
            foreach (var tokenizer in new[] { Tokenizers.Clip, Tokenizers.Bang, Tokenizers.Fast })
            {
                var ids = tokenizer.EncodeToIds(text);
                var index = tokenizer.GetIndexByTokenCount(text, max.Get, out var normalized, out var count);
                Assert.InRange(count, 0, max.Get);
                Assert.Equal(ids.Take(count), tokenizer.EncodeToIds(normalized![..index], considerNormalization: false));
                Assert.Equal(ids.Skip(count), tokenizer.EncodeToIds(normalized[index..], considerNormalization: false));
                Assert.Equal(index == normalized.Length, count == ids.Count);

                index = tokenizer.GetIndexByTokenCountFromEnd(text, max.Get, out normalized, out count);
                Assert.InRange(count, 0, max.Get);
                Assert.Equal(ids.SkipLast(count), tokenizer.EncodeToIds(normalized![..index], considerNormalization: false));
                Assert.Equal(ids.TakeLast(count), tokenizer.EncodeToIds(normalized[index..], considerNormalization: false));
                Assert.Equal(index == 0, count == ids.Count);
            }
        }
    }

    // "supercalifragilistic" has five tokens.
    [Fact]
    public void A_text_is_cut_at_the_last_word_that_fits()
    {
        Tokenizer tokenizer = Tokenizers.Clip;
        const string text = "A supercalifragilistic hat ";
        Assert.Equal(7, tokenizer.CountTokens(text));
        (int Index, int Count)[] expected = [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (22, 6), (27, 7), (27, 7)];
        Assert.Equal(expected, Enumerable.Range(1, 8).Select(max => (tokenizer.GetIndexByTokenCount(text, max, out _, out var count), count)));
        expected = [(23, 1), (23, 1), (23, 1), (23, 1), (23, 1), (2, 6), (0, 7), (0, 7)];
        Assert.Equal(expected, Enumerable.Range(1, 8).Select(max => (tokenizer.GetIndexByTokenCountFromEnd(text.AsSpan(), max, out _, out var count), count)));
        Assert.Equal((0, 0), (tokenizer.GetIndexByTokenCount("supercalifragilistic", 4, out _, out var none), none));
        Assert.Equal((20, 0), (tokenizer.GetIndexByTokenCountFromEnd("supercalifragilistic", 4, out _, out none), none));
    }

    [Fact]
    public void An_empty_text_has_no_tokens_and_a_maximum_below_1_is_refused()
    {
        foreach (var tokenizer in All)
        {
            Assert.Empty(tokenizer.EncodeToIds((string)null!));
            Assert.Empty(tokenizer.EncodeToTokens("", out _));
            Assert.Equal(0, tokenizer.CountTokens(" \t\n"));
            Assert.Equal(0, tokenizer.GetIndexByTokenCount((string)null!, 10, out _, out _));
            Assert.Equal(0, tokenizer.GetIndexByTokenCountFromEnd([], 10, out _, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.EncodeToIds(Prompt, 0, out _, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetIndexByTokenCount(Prompt, 0, out _, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetIndexByTokenCountFromEnd(Prompt, -1, out _, out _));
        }
    }

    [Property]
    public Property Decoding_gives_the_words_of_an_ascii_prompt() => Prop.ForAll(Ascii, text =>
    {
        foreach (var tokenizer in All)
        {
            var normalized = tokenizer.Normalizer!.Normalize(text);
            var words = tokenizer.PreTokenizer!.PreTokenize(normalized).Select(word => normalized.Substring(word.Offset, word.Length));
            Assert.Equal(string.Join(' ', words), tokenizer.Decode(tokenizer.EncodeToIds(text)));
        }
    });

    private static Arbitrary<string> Ascii => Arb.From(Gen.ArrayOf(Gen.Choose(' ', '~').Where(character => character is not '<' and not '!'))
        .Select(characters => string.Concat(characters.Select(character => (char)character))));

    // Random code units are mostly letters that the vocabulary has no words of; the prompt brings words, and the two meet.
    private static IEnumerable<string> Texts(ushort[] units)
    {
        var text = string.Concat(units.Select(unit => (char)unit));
        yield return text;
        yield return Prompt.Insert(units.Sum(unit => unit) % Prompt.Length, text);
        yield return string.Concat(units.Select(unit => Prompt[unit % Prompt.Length]));
    }

    private static void AssertCovered(IReadOnlyList<EncodedToken> tokens, string text)
    {
        var covered = new bool[text.Length];
        var (start, end) = (0, 0);
        foreach (var token in tokens)
        {
            Assert.InRange(token.Offset.Start.Value, start, text.Length);
            Assert.InRange(token.Offset.End.Value, Math.Max(end, token.Offset.Start.Value + 1), text.Length);
            (start, end) = (token.Offset.Start.Value, token.Offset.End.Value);
            covered.AsSpan(start, end - start).Fill(true);
        }

        Assert.Equal(text.Select(character => !char.IsWhiteSpace(character)), covered);
    }
}
