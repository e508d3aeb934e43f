using System.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>What a text goes through before it is cut into words, at the borders of its rules: two texts that come to the same have the same ids.</summary>
public sealed class TextRulesTests
{
    // First and last assigned character (Unicode 14) of each of BERT's eight ranges of ideographs.
    [Theory]
    [InlineData(0x4E00), InlineData(0x9FFF), InlineData(0x3400), InlineData(0x4DBF), InlineData(0x20000), InlineData(0x2A6DF), InlineData(0x2A700), InlineData(0x2B738)]
    [InlineData(0x2B740), InlineData(0x2B81D), InlineData(0x2B820), InlineData(0x2CEA1), InlineData(0xF900), InlineData(0xFAD9), InlineData(0x2F800), InlineData(0x2FA1D)]
    public void Ideographs_stand_alone(int codePoint)
    {
        var ideograph = new Rune(codePoint).ToString();
        Assert.Equal(Tokenizers.Clip.Encode($"x {ideograph} y"), Tokenizers.Clip.Encode($"x{ideograph}y"));
        Assert.NotEqual(Tokenizers.Fast.Encode($"x {ideograph} y"), Tokenizers.Fast.Encode($"x{ideograph}y"));
    }

    // A Yi syllable, the ligature ff, a letter of Tangut and one of kana: letters just outside of the ranges, or far from them.
    [Theory, InlineData(0xA000), InlineData(0xFB00), InlineData(0x17000), InlineData(0x3042)]
    public void Other_letters_do_not(int codePoint) =>
        Assert.NotEqual(Tokenizers.Clip.Encode($"x {new Rune(codePoint)} y"), Tokenizers.Clip.Encode($"x{new Rune(codePoint)}y"));

    [Theory]
    [InlineData("a\u2028b", "a b")] // line separator
    [InlineData("a\u2029b", "a b")] // paragraph separator
    [InlineData("a\u00A0b", "a b")] // no-break space
    [InlineData("a\u200Bb", "ab")]  // zero-width space, a format character
    [InlineData("a\u0001b\u0002c", "abc")]
    [InlineData("a\uE000b", "ab")]  // private use
    [InlineData("a\uFFFDb", "ab")]
    [InlineData("a\uD800b", "ab")]  // half of a pair
    [InlineData("a\u0378b", "ab")]  // not assigned
    public void Separators_become_spaces_and_what_cannot_be_seen_goes(string text, string expected) =>
        Assert.Equal(Tokenizers.Clip.Encode(expected), Tokenizers.Clip.Encode(text));

    // As .NET normalises where both know the characters: marks in any order, several starters, blocked marks, and what composition excludes.
    [Theory]
    [InlineData("e\u0301"), InlineData("a\u0323\u0301"), InlineData("a\u0301\u0323"), InlineData("a\u0316\u0301\u0323b\u0301\u0316"), InlineData("\u0301a\u0300")]
    [InlineData("\u0958"), InlineData("\u1100\u1161\u11A8"), InlineData("a\u030A"), InlineData("\u212B"), InlineData("a\u0301\u0301"), InlineData("q\u0307\u0323x\u0327\u0301")]
    public void Texts_are_composed(string text)
    {
        var composed = text.Normalize(NormalizationForm.FormC);
        Assert.Equal(Tokenizers.Fast.Encode(composed), Tokenizers.Fast.Encode(text));
    }

    [Fact]
    public void Every_byte_comes_back()
    {
        // All of Latin-1 that is no white space, no control and no capital letter, each a word or a part of one.
        foreach (var character in Enumerable.Range('!', 256 - '!').Select(value => (char)value).Where(character => !char.IsControl(character) && !char.IsWhiteSpace(character) && !char.IsUpper(character) && character != '\u00AD'))
            Assert.Equal($"{character}", Tokenizers.Clip.Decode(Tokenizers.Clip.Encode($"{character}")));
    }
}
