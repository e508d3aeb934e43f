using System.Text;

namespace ControlNet.ML.Cli;

/// <summary>Writes to another writer what cannot steer the terminal behind it: control characters come out as <c>\u001b</c>, line breaks as they are.</summary>
/// <param name="inner">Where it goes.</param>
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
        // A pair of surrogates that comes in two calls is not put together: nothing here writes by characters but white space.
        if (!string.IsNullOrEmpty(value))
            inner.Write(Message.Escape(value.Replace("\r\n", "\n", StringComparison.Ordinal), keepLines: true).Replace("\n", NewLine, StringComparison.Ordinal));
    }

    public override void WriteLine() => inner.WriteLine();

    public override void WriteLine(string? value)
    {
        Write(value);
        inner.WriteLine();
    }

    public override void Flush() => inner.Flush();
}
