using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>
/// The text of tokens, put together one by one: end-of-word suffixes become spaces, and runs of tokens between added tokens are trimmed
/// and joined by spaces.
/// </summary>
internal sealed class TokenText
{
    private const string WordEnd = "</w>";

    private readonly StringBuilder _text = new();
    private readonly StringBuilder _space = new();
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<byte> _bytes = [];
    private bool _isRunEmpty = true;
    private int _matched;
    private bool _isCharacterOpen;

    public int Length => _text.Length;

    /// <summary>Whether nothing but white space waits for the next token: no part of a character, nor of an end-of-word suffix.</summary>
    public bool IsSettled => _matched == 0 && !_isCharacterOpen;

    /// <summary>Appends a token of the byte alphabet.</summary>
    public void Append(string token)
    {
        ByteAlphabet.AppendBytes(token, _bytes);
        Decode(flush: false);
    }

    /// <summary>Appends an added token, which stands apart from its neighbours.</summary>
    public void AppendAdded(string token)
    {
        EndRun();
        BeginPart();
        _text.Append(token);
    }

    /// <summary>Ends the text or a run of it: part of a character becomes U+FFFD, white space at the end goes.</summary>
    public void EndRun()
    {
        Decode(flush: true);
        EndMatch();
        _space.Clear();
        _isRunEmpty = true;
    }

    /// <summary>Copies the first characters.</summary>
    public void CopyTo(Span<char> destination, int count) => _text.CopyTo(0, destination, count);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Decode(bool flush)
    {
        var bytes = CollectionsMarshal.AsSpan(_bytes);
        var characters = new char[_utf8.GetCharCount(bytes, flush)];
        _utf8.GetChars(bytes, characters, flush);
        _bytes.Clear();
        foreach (var character in characters)
            Match(character);
        _isCharacterOpen = _utf8.GetCharCount([], flush: true) > 0;
    }

    // The suffix counts wherever it stands, also where a text had it as characters.
    private void Match(char character)
    {
        if (character == WordEnd[_matched])
        {
            if (++_matched < WordEnd.Length)
                return;
            _matched = 0;
            Write(' ');
            return;
        }

        EndMatch();
        if (character == WordEnd[0])
            _matched = 1;
        else
            Write(character);
    }

    private void EndMatch()
    {
        foreach (var character in WordEnd[.._matched])
            Write(character);
        _matched = 0;
    }

    private void Write(char character)
    {
        if (char.IsWhiteSpace(character))
        {
            if (!_isRunEmpty)
                _space.Append(character);
            return;
        }

        if (_isRunEmpty)
            BeginPart();
        _isRunEmpty = false;
        _text.Append(_space).Append(character);
        _space.Clear();
    }

    private void BeginPart()
    {
        if (_text.Length > 0)
            _text.Append(' ');
    }
}
