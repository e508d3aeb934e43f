namespace ControlNet.ML.Text;

/// <summary>
/// The 256 characters that stand for bytes in byte-level BPE vocabularies (GPT-2's, which CLIP took over):
/// printable Latin-1 bytes are themselves, the other 68 follow in order from U+0100.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();

    private static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256)
        .ToDictionary(value => Characters[value], value => (byte)value);

    /// <summary>All characters in the order of CLIP's vocabulary: first those that stand for themselves.</summary>
    public static IReadOnlyList<string> InOrder() => [.. Characters.Order().Select(character => character.ToString())];

    /// <summary>The character that stands for a byte.</summary>
    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>The bytes that a token's characters stand for; characters outside the alphabet give their own UTF-8.</summary>
    public static void AppendBytes(string token, List<byte> bytes)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in token.EnumerateRunes())
        {
            if (rune.IsBmp && Bytes.TryGetValue((char)rune.Value, out var value))
                bytes.Add(value);
            else
                bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
        }
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = (char)256;
        for (var value = 0; value < 256; value++)
            characters[value] = value is (>= '!' and <= '~') or (>= '\u00A1' and <= '\u00AC') or >= '\u00AE' ? (char)value : next++;
        return characters;
    }
}
