using System.Buffers;

namespace ControlNet.ML.Text;

/// <summary>
/// The special and added tokens, which a text is searched for before it is normalized and split; of several at one place the longest.
/// </summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<char, string[]> _byFirst;
    private readonly SearchValues<char> _first;

    public AddedTokens(Dictionary<string, int> ids)
    {
        _ids = ids;
        _byFirst = ids.Keys.GroupBy(token => token[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Length).ToArray());
        _first = SearchValues.Create([.. _byFirst.Keys]);
    }

    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>The first token at or after a place.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out string token)
    {
        for (start = from; start < text.Length; start++)
        {
            var offset = text[start..].IndexOfAny(_first);
            if (offset < 0)
                break;
            start += offset;
            foreach (var candidate in _byFirst[text[start]])
            {
                if (text[start..].StartsWith(candidate, StringComparison.Ordinal))
                {
                    token = candidate;
                    return true;
                }
            }
        }

        token = "";
        return false;
    }
}
