using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Text;

public sealed class ClipTokenizerTests
{
    [Property]
    public void Any_utf16_encodes_to_ids_of_the_vocabulary(ushort[] units)
    {
        var text = new string([.. units.Select(unit => (char)unit)]);
        foreach (var tokenizer in new[] { Tokenizers.Clip, Tokenizers.Bang, Tokenizers.Fast })
            Assert.All(tokenizer.Encode(text), id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
    }

    [Property]
    public void Any_string_makes_a_prompt_of_the_full_length(NonNull<string> text)
    {
        var prompt = Tokenizers.Clip.Tokenize(text.Get);
        Assert.Equal(77, prompt.Ids.Count);
        Assert.Equal(Tokenizers.Clip.BosTokenId, prompt.Ids[0]);
        Assert.Equal(Tokenizers.Clip.EosTokenId, prompt.Ids[prompt.Attended - 1]);
    }

    [Property]
    public Property Lower_case_words_come_back() => Prop.ForAll(WordLists, words =>
    {
        var text = string.Join(' ', words);
        return Tokenizers.Clip.Decode(Tokenizers.Clip.Encode(text)) == text;
    });

    [Fact]
    public void One_word_of_100000_letters_is_tokenized()
    {
        // Eights of a, and an end that differs: as the plain loop gives for 1,000 letters.
        Assert.Equal([.. Enumerable.Repeat(23126, 12_499), 6727, 19336], Tokenizers.Clip.Encode(new string('a', 100_000)));
        Assert.Equal(100_000, Tokenizers.Bang.Encode(new string('!', 100_000)).Count);
        // Marks in the wrong order, to be sorted; each is two bytes.
        Assert.InRange(Tokenizers.Clip.Encode("a" + string.Concat(Enumerable.Repeat("\u0301\u0316", 50_000))).Count, 50_000, 200_000);
    }

    [Theory]
    [InlineData("ΟΔΟΣ", "οδος")]
    [InlineData("ΣΑΣ.", "σας.")]
    [InlineData("Α'Σ'Α Α'Σ' Β", "α'σ'α α'ς' β")]
    [InlineData("İ", "i\u0307")]
    [InlineData("ⅣΣ ⓐΣ", "ⅳς ⓐς")]
    [InlineData("e\u0301 \u1100\u1161\u11A8 \u212B \uF900", "é 각 å 豈")]
    [InlineData("a\u200Bb c\u00ADd \u2028e", "ab cd e")]
    [InlineData("a\U0001FAE8b", "ab")]
    public void Texts_that_are_cleaned_to_the_same_have_the_same_ids(string text, string same) =>
        Assert.Equal(Tokenizers.Clip.Encode(same), Tokenizers.Clip.Encode(text));

    [Fact]
    public void What_was_cut_off_is_named()
    {
        var prompt = Tokenizers.Clip.Tokenize(string.Join(' ', Enumerable.Repeat("cat", 75)) + ", a Dog on a hill");
        Assert.Equal(", a dog on a hill", prompt.Truncated);
        Assert.Null(Tokenizers.Clip.Tokenize("cat").Truncated);
    }

    [Fact]
    public void Added_tokens_are_found_first_with_case_and_apart()
    {
        var tokenizer = Tokenizers.Clip.WithTokens("<cat>", "<cat>_1");
        Assert.Equal([320, 49408, 49409, 338, 283, 2368, 285], tokenizer.Encode("a <cat><cat>_1s <CAT>"));
        Assert.Equal("a <cat> <cat>_1 s", tokenizer.Decode([320, 49408, 49409, 338]));
        Assert.Equal(49410, tokenizer.VocabularySize);
        Assert.Equal(49408, Tokenizers.Clip.VocabularySize);
        Assert.Throws<ControlNetException>(() => tokenizer.WithTokens("<cat>"));
        Assert.Throws<ControlNetException>(() => Tokenizers.Clip.WithTokens("cat</w>"));
    }

    [Fact]
    public void An_embedding_that_is_too_small_is_named()
    {
        Tokenizers.Clip.EnsureFits(49_408, "text_encoder");
        var error = Assert.Throws<ControlNetException>(() => Tokenizers.Clip.EnsureFits(1000, "text_encoder"));
        Assert.Contains("text_encoder embeds 1000 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("49407", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_id_beyond_the_vocabulary_is_not_decoded() =>
        Assert.Throws<ArgumentException>(() => Tokenizers.Clip.Decode([49_408]));

    private static Arbitrary<string[]> WordLists => Arb.From(
        Gen.ArrayOf(Gen.NonEmptyListOf(Gen.Choose('a', 'z')).Select(letters => string.Concat(letters.Select(letter => (char)letter)))));
}
