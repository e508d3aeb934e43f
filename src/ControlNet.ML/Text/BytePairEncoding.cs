using System.Runtime.InteropServices;

namespace ControlNet.ML.Text;

/// <summary>
/// Byte-level byte pair encoding with CLIP's end-of-word suffix. Of all neighbouring pairs the one with the lowest rank is merged first,
/// from left to right, until no pair has a merge. Near-linear in the length of a word.
/// </summary>
/// <remarks>
/// <para>
/// The two references differ once a merge makes a pair of a lower rank than its own, which trained merges never do: with the merges
/// <c>ab a</c> and <c>a b</c> in this order, <c>ababc</c> is <c>ab ab c</c> in <c>CLIPTokenizer</c>, which merges all places of a pair in
/// one pass, and <c>aba b c</c> in <c>CLIPTokenizerFast</c>, which takes the new pair first.
/// </para>
/// <para>
/// Microsoft.ML.Tokenizers' <c>BpeTokenizer</c> gives the same ids for CLIP's own files, but cannot replace this class. It merges in the
/// fast reference's order only. It refuses files that the slow reference reads: a merge of tokens, or into a token, that the vocabulary
/// lacks (<c>a b</c> without a token <c>ab</c>), and a merge listed twice. Its time grows with the square of a word's length: a word of
/// 100,000 letters takes it about 20 times as long. A test keeps an example of each.
/// </para>
/// </remarks>
internal sealed class BytePairEncoding
{
    private const string WordEnd = "</w>";
    private const int NotInVocabulary = -1;

    private readonly Dictionary<string, int> _symbols = [];
    private readonly Dictionary<(int Left, int Right), Merge> _merges;
    private readonly int[] _bytes = new int[256];
    private readonly int[] _lastBytes = new int[256];
    private readonly int[] _ids;

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Token → id.</param>
    /// <param name="merges">The pairs by rank; of equal ones the last counts.</param>
    /// <param name="rules">Which reference's order of merges.</param>
    public BytePairEncoding(
        IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, ClipTextRules rules)
    {
        Rules = rules;
        for (var value = 0; value < 256; value++)
        {
            var character = ByteAlphabet.CharacterOf((byte)value).ToString();
            _bytes[value] = SymbolOf(character);
            _lastBytes[value] = SymbolOf(character + WordEnd);
        }

        _merges = new(merges.Count);
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var (left, right) = merges[rank];
            _merges[(SymbolOf(left), SymbolOf(right))] = new Merge(rank, SymbolOf(left + right));
        }

        // Symbols are numbered apart from ids: a merge may pass through a token that the vocabulary lacks.
        _ids = new int[_symbols.Count];
        foreach (var (token, symbol) in _symbols)
            _ids[symbol] = vocabulary.GetValueOrDefault(token, NotInVocabulary);
    }

    public ClipTextRules Rules { get; }

    /// <summary>What one call needs while it works: buffers that grow with the longest word. Not to be shared between threads.</summary>
    public Workspace CreateWorkspace() => new(this);

    private int SymbolOf(string token)
    {
        if (!_symbols.TryGetValue(token, out var symbol))
            _symbols[token] = symbol = _symbols.Count;
        return symbol;
    }

    private readonly record struct Merge(int Rank, int Result);

    /// <summary>A word's symbols as a doubly linked list, and a queue of its pairs that have a merge, by rank and place.</summary>
    public sealed class Workspace
    {
        private const int Merged = -1;

        private readonly BytePairEncoding _encoding;
        private readonly WordBytes _word = new();
        private readonly PriorityQueue<int, ulong> _pairs = new();
        private readonly List<int> _pass = [];
        private int[] _symbols = [];
        private int[] _previous = [];
        private int[] _next = [];
        private int _count;

        internal Workspace(BytePairEncoding encoding) => _encoding = encoding;

        /// <summary>Appends the tokens of one word.</summary>
        /// <param name="word">The word, not empty.</param>
        /// <param name="offset">Where it stands in its text.</param>
        /// <param name="unknown">The id for a symbol that is not in the vocabulary.</param>
        /// <param name="pieces">Receives the tokens.</param>
        public void Append(ReadOnlySpan<char> word, int offset, int unknown, List<TextPiece> pieces)
        {
            _word.Read(word);
            Fill(_word.Bytes);
            MergePairs();
            for (var place = 0; place < _count; place = _next[place])
            {
                var id = _encoding._ids[_symbols[place]];
                var (start, end) = _word.Characters(place, _next[place]);
                pieces.Add(
                    new TextPiece(id == NotInVocabulary ? unknown : id, offset + start, offset + end, EndsWord: _next[place] == _count));
            }
        }

        private void Fill(ReadOnlySpan<byte> bytes)
        {
            _count = bytes.Length;
            if (_symbols.Length < _count)
            {
                var size = Math.Max(_count, 2 * _symbols.Length);
                (_symbols, _previous, _next) = (new int[size], new int[size], new int[size]);
            }

            for (var place = 0; place < _count; place++)
                (_symbols[place], _previous[place], _next[place]) = (_encoding._bytes[bytes[place]], place - 1, place + 1);
            _symbols[_count - 1] = _encoding._lastBytes[bytes[^1]];
            for (var place = 0; place < _count - 1; place++)
                Enqueue(place);
        }

        private void MergePairs()
        {
            while (_pairs.TryDequeue(out var place, out var priority))
            {
                var rank = (int)(priority >> 32);
                if (_encoding.Rules == ClipTextRules.Fast)
                {
                    MergeAt(place, rank);
                    continue;
                }

                // One pass takes all places of a pair before any pair that merging them makes, even one of a lower rank.
                _pass.Clear();
                _pass.Add(place);
                while (_pairs.TryPeek(out _, out priority) && (int)(priority >> 32) == rank)
                    _pass.Add(_pairs.Dequeue());
                foreach (var found in CollectionsMarshal.AsSpan(_pass))
                    MergeAt(found, rank);
            }
        }

        private void MergeAt(int place, int rank)
        {
            // The pair may be gone: its left or right symbol was merged with a neighbour.
            if (!TryGetMerge(place, out var merge) || merge.Rank != rank)
                return;
            var right = _next[place];
            _symbols[place] = merge.Result;
            _symbols[right] = Merged;
            _next[place] = _next[right];
            if (_next[right] < _count)
                _previous[_next[right]] = place;
            Enqueue(place);
            if (_previous[place] >= 0)
                Enqueue(_previous[place]);
        }

        private void Enqueue(int place)
        {
            if (TryGetMerge(place, out var merge))
                _pairs.Enqueue(place, ((ulong)merge.Rank << 32) | (uint)place);
        }

        private bool TryGetMerge(int place, out Merge merge)
        {
            merge = default;
            return _symbols[place] != Merged && _next[place] < _count
                && _encoding._merges.TryGetValue((_symbols[place], _symbols[_next[place]]), out merge);
        }
    }
}
