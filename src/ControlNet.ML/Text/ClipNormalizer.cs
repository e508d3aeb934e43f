using System.Text;
using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Text;

/// <summary>CLIP's normalization: the text between added tokens is cleaned, these stay as they are.</summary>
internal sealed class ClipNormalizer(AddedTokens added, ClipTextRules rules) : Normalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original)
    {
        ArgumentNullException.ThrowIfNull(original);
        return Normalize(original, []);
    }

    /// <inheritdoc/>
    public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString(), []);

    /// <summary>The normalized text.</summary>
    /// <param name="original">The text.</param>
    /// <param name="kept">Receives the added tokens, with their places in the normalized text.</param>
    public string Normalize(string original, List<TextWord> kept)
    {
        if (!added.TryFind(original, 0, out var start, out var token))
            return ClipTextCleaner.Clean(original, rules);

        var normalized = new StringBuilder(original.Length);
        var position = 0;
        do
        {
            normalized.Append(ClipTextCleaner.Clean(original[position..start], rules));
            kept.Add(new TextWord(normalized.Length, token.Length, added.Ids[token]));
            normalized.Append(token);
            position = start + token.Length;
        }
        while (added.TryFind(original, position, out start, out token));
        return normalized.Append(ClipTextCleaner.Clean(original[position..], rules)).ToString();
    }
}
