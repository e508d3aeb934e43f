using System.Text;

namespace ControlNet.ML.Imaging;

/// <summary>
/// The texts in a PNG file, by keyword, in which generators record how an image was made.
/// Latin-1 texts are tEXt chunks, others iTXt (UTF-8), both uncompressed.
/// </summary>
public static class PngText
{
    // Maximum size of all texts in a file: a workflow is a few hundred kilobytes.
    private const int MaxBytes = 64 << 20;

    /// <summary>Reads the texts of a file. Compressed ones (zTXt, compressed iTXt) are skipped.</summary>
    /// <param name="path">A PNG file.</param>
    /// <returns>Text by keyword; the last one if a keyword occurs twice.</returns>
    /// <exception cref="ControlNetException">The file cannot be read or is not a PNG file.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Read(ImageCodec.ReadFile(path, new ImageLoadOptions().MaxBytes), path);
    }

    /// <summary>Reads the texts of a file in memory.</summary>
    /// <param name="file">The whole PNG file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <returns>Text by keyword; the last one if a keyword occurs twice.</returns>
    /// <exception cref="ControlNetException">The file is not a PNG file.</exception>
    public static IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> file, string source)
    {
        if (!file.StartsWith(PngChunks.Signature))
            throw new ControlNetException($"{source} is not a PNG file: only PNG supports texts.");
        var texts = new Dictionary<string, string>();
        var position = PngChunks.Signature.Length;
        var budget = MaxBytes;
        while (PngChunks.Next(file, ref position, out var chunk))
        {
            if (!chunk.IsIntact || (!chunk.Type.SequenceEqual("tEXt"u8) && !chunk.Type.SequenceEqual("iTXt"u8)))
                continue;
            if ((budget -= chunk.Data.Length) < 0)
                throw new ControlNetException($"{source} holds more than {MaxBytes >> 20} MiB of texts.");
            var end = chunk.Data.IndexOf((byte)0);
            if (end < 1)
                continue;
            var keyword = Encoding.Latin1.GetString(chunk.Data[..end]);
            var rest = chunk.Data[(end + 1)..];
            if (chunk.Type[0] == 't')
                texts[keyword] = Encoding.Latin1.GetString(rest);
            else if (International(rest) is { } text)
                texts[keyword] = text;
        }

        return texts;
    }

    /// <summary>Writes the texts as chunks, in the order of their keywords, so that the bytes depend only on the contents.</summary>
    internal static void Write(Stream target, IReadOnlyDictionary<string, string> texts)
    {
        foreach (var (keyword, text) in texts.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            CheckKeyword(keyword);
            if (text is null || !IsValid(text))
                throw new ArgumentException(
                    $"The text for '{keyword}' is {(text is null ? "null" : "half a surrogate pair somewhere")}.", nameof(texts));
            if (text.Contains('\0'))
                throw new ArgumentException($"The text for '{keyword}' holds a zero character, which PNG forbids.", nameof(texts));
            if (text.All(c => c is '\n' or (>= ' ' and <= '~') or (>= '\u00a1' and <= '\u00ff')))
                PngChunks.Write(target, "tEXt", [.. Encoding.Latin1.GetBytes(keyword), 0, .. Encoding.Latin1.GetBytes(text)]);
            else
                PngChunks.Write(target, "iTXt", [.. Encoding.Latin1.GetBytes(keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)]);
        }
    }

    // After the keyword: compression flag and method, language, translated keyword, text.
    private static string? International(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 2 || rest[0] != 0)
            return null;
        rest = rest[2..];
        for (var skip = 0; skip < 2; skip++)
        {
            var end = rest.IndexOf((byte)0);
            if (end < 0)
                return null;
            rest = rest[(end + 1)..];
        }

        return Encoding.UTF8.GetString(rest);
    }

    private static bool IsValid(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    // The specification's rule: 1 to 79 printable Latin-1 characters, no space at either end, no two together.
    private static void CheckKeyword(string keyword)
    {
        var printable = keyword.Length is >= 1 and <= 79 && keyword.All(c => c is (>= ' ' and <= '~') or (>= '\u00a1' and <= '\u00ff'));
        if (!printable || keyword[0] == ' ' || keyword[^1] == ' ' || keyword.Contains("  ", StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"The keyword '{keyword}' is invalid in PNG, expected 1 to 79 Latin-1 characters without spaces at the ends or "
                    + $"together.", nameof(keyword));
        }
    }
}
