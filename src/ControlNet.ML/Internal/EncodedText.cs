using System.Globalization;
using System.Text;

namespace ControlNet.ML.Internal;

/// <summary>
/// The characters of a text file, decoded strictly: bytes that are invalid in the encoding are an error, never a replacement character. All
/// characters before them are returned first, so that the reader can report the line or row. A byte order mark overrides the given
/// encoding.
/// </summary>
internal sealed class EncodedText : IDisposable
{
    private const int BlockLength = 1 << 14;

    // Longest first: UTF-16's byte order mark is a prefix of UTF-32's.
    private static readonly Encoding[] Marked =
    [
        new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true),
        new UTF32Encoding(true, true, true),
        new UTF8Encoding(true, true),
        new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true), new UnicodeEncoding(true, true, true),
    ];

    private readonly FileStream _stream;
    private readonly Encoding _encoding;
    private readonly Decoder _decoder;
    private readonly byte[] _bytes = new byte[BlockLength];
    private readonly char[] _chars;
    private readonly int _first;
    private int _start;
    private int _end;
    private bool _isAtEnd;
    private DecoderFallbackException? _failure;

    /// <param name="stream">The file, which is disposed with this.</param>
    /// <param name="encoding">Its encoding, from <see cref="Find"/>; null for UTF-8.</param>
    public EncodedText(FileStream stream, Encoding? encoding)
    {
        _stream = stream;
        var beginning = _bytes.AsSpan(0, stream.ReadAtLeast(_bytes.AsSpan(0, 4), 4, throwOnEndOfStream: false)).ToArray();
        var marked = Array.Find(Marked, one => beginning.AsSpan().StartsWith(one.Preamble));
        _first = marked?.Preamble.Length ?? 0;
        _encoding = marked ?? encoding ?? Marked[2];
        _decoder = _encoding.GetDecoder();
        _chars = new char[_encoding.GetMaxCharCount(BlockLength)];
        _stream.Position = _first;
    }

    /// <summary>Finds an encoding, by name or code page, that throws on invalid bytes.</summary>
    /// <param name="name">An IANA name or a code page: <c>windows-1252</c>, <c>cp1252</c>, <c>shift_jis</c>; null for UTF-8.</param>
    /// <exception cref="ControlNetException">There is no such encoding.</exception>
    public static Encoding? Find(string? name)
    {
        if (name is null)
            return null;
        var plain = name.Trim().ToLowerInvariant();
        var page = plain.StartsWith("cp", StringComparison.Ordinal) ? plain[2..] : plain;
        try
        {
            var found = int.TryParse(page, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? Get(number)
                : Get(plain is "utf8" or "utf16" or "utf32" ? $"utf-{plain[3..]}" : plain);
            return found.CodePage == Encoding.UTF8.CodePage ? null : found;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            throw new ControlNetException(
                $"Unknown encoding {Message.Name(name)}, expected a name such as utf-8, windows-1252 or shift_jis.", error);
        }

        static Encoding Get(object key) => key is int number
            ? CodePagesEncodingProvider.Instance.GetEncoding(number, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)
                ?? Encoding.GetEncoding(number, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)
            : CodePagesEncodingProvider.Instance.GetEncoding(
                (string)key, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)
                ?? Encoding.GetEncoding((string)key, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
    }

    /// <summary>Reads characters; returns 0 at the end.</summary>
    /// <param name="into">Receives the characters.</param>
    /// <exception cref="DecoderFallbackException">
    /// The next bytes are invalid in the encoding; <see cref="Problem"/> describes them.
    /// </exception>
    public int Read(Span<char> into)
    {
        while (_start == _end)
        {
            if (_failure is not null)
                throw _failure;
            if (_isAtEnd)
                return 0;
            Fill();
        }

        var count = Math.Min(into.Length, _end - _start);
        _chars.AsSpan(_start, count).CopyTo(into);
        _start += count;
        return count;
    }

    /// <summary>
    /// Describes the problem and its solution, for a message. A byte order mark overrides the given encoding, so naming another one does
    /// not help.
    /// </summary>
    public string Problem(DecoderFallbackException error)
    {
        var bytes = $"(there {(error.BytesUnknown is { Length: 1 } ? "is the byte" : "are the bytes")} "
            + $"{Convert.ToHexString(error.BytesUnknown ?? [])})";
        return _first > 0
            ? $"is not text in {_encoding.WebName}, the encoding of its byte order mark {bytes}: save it as UTF-8."
            : $"is not text in {_encoding.WebName} {bytes}: name its encoding, such as --encoding windows-1252, or save it as UTF-8.";
    }

    public void Dispose() => _stream.Dispose();

    private void Fill()
    {
        var place = _stream.Position;
        var count = _stream.ReadAtLeast(_bytes, BlockLength, throwOnEndOfStream: false);
        _isAtEnd = count < BlockLength;
        (_start, _end) = (0, 0);
        try
        {
            _end = _decoder.GetChars(_bytes.AsSpan(0, count), _chars, _isAtEnd);
        }
        catch (DecoderFallbackException error)
        {
            _failure = error;
            _end = ValidPart(place, count);
        }
    }

    /// <summary>
    /// Decodes a block byte by byte up to the failure. Decoders are stateful, so the preceding blocks must be read again.
    /// </summary>
    private int ValidPart(long place, int count)
    {
        var block = _bytes.AsSpan(0, count).ToArray();
        var decoder = _encoding.GetDecoder();
        _stream.Position = _first;
        while (_stream.Position < place)
        {
            var before = (int)Math.Min(BlockLength, place - _stream.Position);
            _stream.ReadExactly(_bytes, 0, before);
            decoder.GetChars(_bytes.AsSpan(0, before), _chars, flush: false);
        }

        var length = 0;
        try
        {
            for (var i = 0; i < count; i++)
                length += decoder.GetChars(block.AsSpan(i, 1), _chars.AsSpan(length), flush: false);
        }
        catch (DecoderFallbackException error)
        {
            _failure = error;
        }

        return length;
    }
}
