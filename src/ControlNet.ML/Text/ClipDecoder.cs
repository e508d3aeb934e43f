using System.Buffers;

namespace ControlNet.ML.Text;

/// <summary>From ids to text, as transformers' <c>decode</c>.</summary>
/// <param name="tokens">Id → token.</param>
/// <param name="added">The added tokens, special ones included.</param>
/// <param name="special">The start, end, padding and unknown token.</param>
/// <param name="source">The vocabulary's name in messages.</param>
internal sealed class ClipDecoder(IReadOnlyDictionary<int, string> tokens, AddedTokens added, IReadOnlySet<string> special, string source)
{
    /// <summary>The text of all ids.</summary>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var text = new TokenText();
        foreach (var id in ids)
        {
            if (!tokens.TryGetValue(id, out var token))
                throw new ArgumentException($"The id {id} is not in the vocabulary of {source}.", nameof(ids));
            Append(text, token, skipSpecialTokens);
        }

        text.EndRun();
        return text.ToString();
    }

    /// <summary>
    /// The text of as many ids as fit: see <see cref="ClipTokenizer.Decode(IEnumerable{int}, Span{char}, out int, out int)"/>.
    /// </summary>
    public OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        var text = new TokenText();
        var (count, status) = (0, OperationStatus.Done);
        foreach (var id in ids)
        {
            if (!tokens.TryGetValue(id, out var token))
            {
                status = OperationStatus.InvalidData;
                break;
            }

            Append(text, token, skipSpecialTokens: false);
            if (text.Length > destination.Length)
            {
                status = OperationStatus.DestinationTooSmall;
                break;
            }

            count++;
            if (text.IsSettled)
                (idsConsumed, charsWritten) = (count, text.Length);
        }

        if (status == OperationStatus.Done)
        {
            text.EndRun();
            if (text.Length > destination.Length)
                status = OperationStatus.DestinationTooSmall;
            else
                (idsConsumed, charsWritten) = (count, text.Length);
        }

        text.CopyTo(destination, charsWritten);
        return status;
    }

    private void Append(TokenText text, string token, bool skipSpecialTokens)
    {
        var isSpecial = special.Contains(token);
        if (isSpecial && skipSpecialTokens)
            return;
        if (isSpecial || !added.Ids.ContainsKey(token))
            text.Append(token);
        else
            text.AppendAdded(token);
    }
}
