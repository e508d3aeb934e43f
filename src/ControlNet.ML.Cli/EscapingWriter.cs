using System.Text;

namespace ControlNet.ML.Cli;

/// <summary>
/// Escapes control characters, so that text cannot control the terminal: they are written as <c>\u001b</c>. Line breaks are kept.
/// </summary>
/// <param name="inner">The writer to write to.</param>
internal sealed class EscapingWriter(TextWriter inner) : TextWriter(inner.FormatProvider)
{
    public override Encoding Encoding => inner.Encoding;

    [System.Diagnostics.CodeAnalysis.AllowNull]
    public override string NewLine
    {
        get => inner.NewLine;
        set => inner.NewLine = value;
    }

    public override void Write(char value) => Write([value]);

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    public override void Write(string? value)
    {
        // A surrogate pair split over two calls is not rejoined: the tool writes only white space character by character.
        if (string.IsNullOrEmpty(value))
            return;
        var text = Message.Escape(value.Replace("\r\n", "\n", StringComparison.Ordinal), keepLines: true);
        inner.Write(text.Replace("\n", NewLine, StringComparison.Ordinal));
    }

    public override void WriteLine() => inner.WriteLine();

    public override void WriteLine(string? value)
    {
        Write(value);
        inner.WriteLine();
    }

    public override void Flush() => inner.Flush();
}
