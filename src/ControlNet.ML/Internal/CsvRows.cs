using System.Text;

namespace ControlNet.ML.Internal;

/// <summary>
/// The rows of a CSV file. A quote opens a quoted field only at the beginning of the field; elsewhere it is an ordinary character. In a
/// quoted field, two quotes are one, and line breaks are text.
/// </summary>
/// <remarks>
/// Written by hand, since the libraries treat each further quote in a quoted field as another opening quote: text after a closing quote
/// then swallows the following rows.
/// </remarks>
/// <param name="text">The file.</param>
/// <param name="separator">The separator of fields.</param>
internal sealed class CsvRows(EncodedText text, char separator)
{
    /// <summary>The maximum length of a row in characters, so that an unclosed quote does not exhaust the memory.</summary>
    public const int LongestRow = 1 << 24;

    private const int End = -1;

    private readonly char[] _block = new char[1 << 14];
    private readonly StringBuilder _field = new();
    private readonly List<string> _fields = [];
    private int _place;
    private int _count;
    private int _length;

    /// <summary>The problem with the quotes of the last row read, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>Whether the last row read is blank.</summary>
    public bool IsBlank { get; private set; }

    /// <summary>The fields of the next row, or null after the last.</summary>
    /// <exception cref="InvalidDataException">A quoted field is never closed, or the row is too long.</exception>
    public string[]? Next()
    {
        if (Peek() == End)
            return null;
        _fields.Clear();
        (Problem, IsBlank, _length) = (null, true, 0);
        int stop;
        do
        {
            stop = Field();
            IsBlank &= _fields.Count == 1 && stop != separator && string.IsNullOrWhiteSpace(_fields[0]);
        }
        while (stop == separator);
        if (stop == '\r' && Peek() == '\n')
            _place++;
        return [.. _fields];
    }

    /// <summary>Reads a field; returns the character that ends it.</summary>
    private int Field()
    {
        _field.Clear();
        if (Peek() == '"')
        {
            Quoted();
            IsBlank = false;
            if (Problem is null && Peek() is var next && next != End && next != separator && next is not ('\r' or '\n'))
                Problem = $"text follows the closing quote of field {_fields.Count + 1}; in a quoted field, a quote is written twice";
        }

        int c;
        while ((c = Read()) != End && c != separator && c is not ('\r' or '\n'))
            _field.Append((char)c);
        _fields.Add(_field.ToString());
        return c;
    }

    private void Quoted()
    {
        Read();
        while (true)
        {
            var c = Read();
            if (c == End)
                throw new InvalidDataException($"the quote that opens field {_fields.Count + 1} is never closed.");
            if (c == '"')
            {
                if (Peek() != '"')
                    return;
                Read();
            }

            _field.Append((char)c);
        }
    }

    private int Read()
    {
        var c = Peek();
        if (c == End)
            return End;
        _place++;
        if (++_length > LongestRow)
            throw new InvalidDataException($"it has more than {LongestRow:N0} characters. Is a quote not closed?");
        return c;
    }

    private int Peek()
    {
        if (_place == _count)
            (_place, _count) = (0, text.Read(_block));
        return _count == 0 ? End : _block[_place];
    }
}
