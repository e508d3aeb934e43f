using FsCheck.Xunit;

namespace ControlNet.ML.Tests;

/// <summary>A message can be shown as it stands: no text in it, wherever from, steers a terminal or pretends to be another line.</summary>
public class ControlNetExceptionTests
{
    [Theory]
    [InlineData("a\u001b[2Jb", "a\\u001b[2Jb")]
    [InlineData("a\nerror: b\r\t\0", "a\\u000aerror: b\\u000d\\u0009\\u0000")]
    [InlineData("\u007f\u0085\u009b31m", "\\u007f\\u0085\\u009b31m")]
    [InlineData("gnp.\u202ephoto\u2066\u2069\u200f\u061c", "gnp.\\u202ephoto\\u2066\\u2069\\u200f\\u061c")]
    [InlineData("a\u2028b\u2029c\ufeff", "a\\u2028b\\u2029c\\ufeff")]
    [InlineData("\ud83d\ude00 ünï \u200d漢", "\ud83d\ude00 ünï \u200d漢")]
    [InlineData("\udb40\udc41", "\\udb40\\udc41")]
    public void What_steers_is_escaped_and_all_else_stands(string text, string shown)
    {
        Assert.Equal(shown, new ControlNetException(text).Message);
        Assert.Equal(shown, new ControlNetException(text, new IOException("inner")).Message);
    }

    [Fact]
    public void Half_a_pair_is_no_character() => Assert.Equal("\\ud83d \\ude00", new ControlNetException("\ud83d \ude00").Message);

    [Property]
    public void No_message_has_a_control_character(string? text)
    {
        var message = new ControlNetException(text ?? "").Message;
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void Long_messages_are_cut_between_characters()
    {
        var message = new ControlNetException("x" + string.Concat(Enumerable.Repeat("\ud83d\ude00", 50_000))).Message;
        Assert.InRange(message.Length, 9_000, 10_001);
        Assert.EndsWith("\ud83d\ude00…", message, StringComparison.Ordinal);
    }
}
