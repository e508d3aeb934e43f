using System.Text;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Names of files that are made from prompts, in any script.</summary>
public sealed class FileTitleTests
{
    [Theory]
    [InlineData("Red apple!", "red-apple")]
    [InlineData("りんごを食べるパンダ", "りんごを食べるパンダ")]
    [InlineData("Красный трактор, 3D", "красный-трактор-3d")]
    [InlineData("Änderungsschneiderei für Bären", "änderungsschneiderei-für-bären")]
    [InlineData("हिन्दी में", "हिन्दी-में")]
    [InlineData("ένα κόκκινο μήλο", "ένα-κόκκινο-μήλο")]
    [InlineData("تفاحة حمراء", "تفاحة-حمراء")]
    [InlineData("../../etc/passwd", "etc-passwd")]
    [InlineData("a\\b:c*d?\"<>|", "a-b-c-d")]
    [InlineData("CON", "con-image")]
    [InlineData("com1", "com1-image")]
    [InlineData("🍎", "image")]
    [InlineData("🍎 apple 🍏", "apple")]
    [InlineData("", "image")]
    [InlineData("\u202egnp.exe", "gnp-exe")]
    [InlineData("\ud800x", "x")]
    public void Letters_and_digits_stay_and_all_else_is_a_dash(string prompt, string expected) => Assert.Equal(expected, FileTitle.Of(prompt));

    [Fact]
    public void A_long_name_is_cut_between_letters()
    {
        Assert.Equal(new string('a', 40), FileTitle.Of(new string('a', 500)));

        // A letter with its mark is one: the cut never leaves the mark to the next name.
        var marked = FileTitle.Of(string.Concat(Enumerable.Repeat("e\u0301", 100)));
        Assert.Equal(string.Concat(Enumerable.Repeat("e\u0301", 40)), marked);
    }

    [Property]
    public bool Any_prompt_gives_a_name_that_every_file_system_takes(NonNull<string> prompt)
    {
        var name = FileTitle.Of(prompt.Get);
        return name.Length > 0
            && Encoding.UTF8.GetByteCount($"{name}-02-condition.png") <= 255
            && name.IndexOfAny([.. Path.GetInvalidFileNameChars(), '/', '\\', ':', '.', ' ', '\'', '"', '$', '*']) < 0
            && !name.StartsWith('-') && !name.EndsWith('-')
            && !name.Any(char.IsControl) && !name.Any(char.IsSurrogate) | name.EnumerateRunes().All(rune => rune != Rune.ReplacementChar);
    }
}
