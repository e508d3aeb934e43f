using System.Text;
using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Text;

/// <summary>
/// Opens and reads a tokenizer's text files. Every fault becomes a <see cref="ControlNetException"/> that names the file.
/// </summary>
internal static class TokenizerFile
{
    /// <summary>No public tokenizer comes near: CLIP's largest file has 4 MB.</summary>
    private const int MaxBytes = 64 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Opens a file of a model folder for reading.</summary>
    public static FileStream Open(string path) => RegularFile.Open(path, path);

    /// <summary>Reads a UTF-8 text, without its byte order mark.</summary>
    public static string ReadText(Stream stream, string source)
    {
        var bytes = ReadBytes(stream, source);
        if (ForeignFile.Recognise(bytes[..Math.Min(bytes.Length, ForeignFile.StartLength)]) is { } kind)
            throw new ControlNetException($"{source} {kind}.");
        try
        {
            var text = Strict.GetString(bytes);
            return text[0] == '\uFEFF' ? text[1..] : text;
        }
        catch (DecoderFallbackException e)
        {
            throw new ControlNetException($"{source} is not UTF-8: byte {e.BytesUnknown?[0]:X2} hex at {Math.Max(0, e.Index)}.", e);
        }
    }

    /// <summary>Reads something out of a JSON object.</summary>
    public static T ReadJson<T>(Stream stream, string source, Func<JsonElement, T> read) =>
        read(JsonText.ParseObject(ReadBytes(stream, source), source));

    private static ReadOnlySpan<byte> ReadBytes(Stream stream, string source)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[81920];
        for (int count; (count = stream.Read(buffer)) > 0;)
        {
            if (bytes.Length + count > MaxBytes)
                throw new ControlNetException($"{source} is larger than {MaxBytes >> 20} MiB, too large for a tokenizer.");
            bytes.Write(buffer, 0, count);
        }

        return bytes.Length > 0
            ? bytes.GetBuffer().AsSpan(0, (int)bytes.Length)
            : throw new ControlNetException($"{source} is empty (0 bytes).");
    }

    /// <summary>A JSON value's kind, for messages.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "truth value",
        JsonValueKind.Undefined => "nothing",
        var kind => kind.ToString().ToLowerInvariant(),
    };
}
