using System.Text;

namespace ControlNet.ML.Text;

/// <summary>A word's UTF-8, and which characters its bytes are part of. Reused from word to word.</summary>
internal sealed class WordBytes
{
    private byte[] _bytes = [];
    private (int Start, int End)[] _characters = [];
    private int _count;
    private bool _isAscii;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _count);

    /// <summary>Takes the next word; lone surrogates become U+FFFD.</summary>
    public void Read(ReadOnlySpan<char> word)
    {
        _count = Encoding.UTF8.GetByteCount(word);
        if (_bytes.Length < _count)
            _bytes = new byte[Math.Max(_count, 2 * _bytes.Length)];
        Encoding.UTF8.GetBytes(word, _bytes);
        _isAscii = Ascii.IsValid(word);
        if (!_isAscii)
            MapCharacters(word);
    }

    /// <summary>The characters that a range of bytes touches, in UTF-16 code units.</summary>
    public (int Start, int End) Characters(int start, int end) =>
        _isAscii ? (start, end) : (_characters[start].Start, _characters[end - 1].End);

    private void MapCharacters(ReadOnlySpan<char> word)
    {
        if (_characters.Length < _count)
            _characters = new (int, int)[_bytes.Length];
        var at = 0;
        for (var position = 0; position < word.Length;)
        {
            Rune.DecodeFromUtf16(word[position..], out var rune, out var length);
            _characters.AsSpan(at, rune.Utf8SequenceLength).Fill((position, position + length));
            at += rune.Utf8SequenceLength;
            position += length;
        }
    }
}
