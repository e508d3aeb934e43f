using System.Buffers;

namespace ControlNet.ML.Text;

/// <summary>The tokens that are found in a text before it is cleaned and cut: special and added ones, the longest first.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<char, string[]> _byFirst;
    private readonly SearchValues<char> _first;

    public AddedTokens(Dictionary<string, int> ids)
    {
        _ids = ids;
        _byFirst = ids.Keys.GroupBy(token => token[0]).ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Length).ToArray());
        _first = SearchValues.Create([.. _byFirst.Keys]);
    }

    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>The first token at or after a place.</summary>
    public bool TryFind(string text, int from, out int start, out string token)
    {
        for (start = from; start < text.Length; start++)
        {
            var offset = text.AsSpan(start).IndexOfAny(_first);
            if (offset < 0)
                break;
            start += offset;
            foreach (var candidate in _byFirst[text[start]])
            {
                if (text.AsSpan(start).StartsWith(candidate, StringComparison.Ordinal))
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
