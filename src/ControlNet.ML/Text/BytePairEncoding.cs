using System.Text;

namespace ControlNet.ML.Text;

/// <summary>
/// Byte-level byte pair encoding with CLIP's mark of a word's end: of all neighbouring pairs the one learned first is
/// joined, wherever it stands, from left to right, until no pair is known. Near-linear in the length of a word.
/// </summary>
internal sealed class BytePairEncoding
{
    private const string WordEnd = "</w>";
    private const int NotInVocabulary = -1;

    private readonly Dictionary<string, int> _symbols = [];
    private readonly Dictionary<(int Left, int Right), (int Rank, int Joined)> _merges;
    private readonly int[] _bytes = new int[256];
    private readonly int[] _lastBytes = new int[256];
    private readonly int[] _ids;

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Token → id.</param>
    /// <param name="merges">The pairs in the order learned; of equal ones the last counts.</param>
    public BytePairEncoding(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges)
    {
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
            _merges[(SymbolOf(left), SymbolOf(right))] = (rank, SymbolOf(left + right));
        }

        // Symbols are numbered apart from ids: a merge may pass through a token that the vocabulary lacks.
        _ids = new int[_symbols.Count];
        foreach (var (token, symbol) in _symbols)
            _ids[symbol] = vocabulary.GetValueOrDefault(token, NotInVocabulary);
    }

    /// <summary>Appends the ids of one word.</summary>
    /// <param name="word">The word, not empty.</param>
    /// <param name="unknown">The id of what is not in the vocabulary.</param>
    /// <param name="ids">Where they go.</param>
    public void Append(ReadOnlySpan<char> word, int unknown, List<int> ids)
    {
        var utf8 = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, utf8);
        var symbols = Array.ConvertAll(utf8, value => _bytes[value]);
        symbols[^1] = _lastBytes[utf8[^1]];
        if (symbols.Length > 1)
            new Chain(_merges, symbols).Join();
        foreach (var symbol in symbols)
        {
            if (symbol != Chain.Joined)
                ids.Add(_ids[symbol] == NotInVocabulary ? unknown : _ids[symbol]);
        }
    }

    private int SymbolOf(string token)
    {
        if (!_symbols.TryGetValue(token, out var symbol))
            _symbols[token] = symbol = _symbols.Count;
        return symbol;
    }

    /// <summary>A word's symbols as a doubly linked list, with the known pairs in a queue by rank and place.</summary>
    private sealed class Chain
    {
        public const int Joined = -1;

        private readonly Dictionary<(int Left, int Right), (int Rank, int Joined)> _merges;
        private readonly int[] _symbols;
        private readonly int[] _previous;
        private readonly int[] _next;
        private readonly PriorityQueue<int, (int Rank, int Place)> _pairs = new();

        public Chain(Dictionary<(int Left, int Right), (int Rank, int Joined)> merges, int[] symbols)
        {
            _merges = merges;
            _symbols = symbols;
            _previous = [.. Enumerable.Range(-1, symbols.Length)];
            _next = [.. Enumerable.Range(1, symbols.Length)];
            for (var place = 0; place < symbols.Length - 1; place++)
                Enqueue(place);
        }

        public void Join()
        {
            var round = new List<int>();
            while (_pairs.TryPeek(out _, out var first))
            {
                // All places of the best pair are taken before any pair that joining them makes, even one of a better rank.
                round.Clear();
                while (_pairs.TryPeek(out var place, out var pair) && pair.Rank == first.Rank)
                {
                    _pairs.Dequeue();
                    round.Add(place);
                }

                foreach (var place in round)
                    JoinAt(place, first.Rank);
            }
        }

        private void JoinAt(int place, int rank)
        {
            // The pair may be gone: its left or right symbol went into a neighbour.
            if (!TryMerge(place, out var merge) || merge.Rank != rank)
                return;
            var right = _next[place];
            _symbols[place] = merge.Joined;
            _symbols[right] = Joined;
            _next[place] = _next[right];
            if (_next[right] < _symbols.Length)
                _previous[_next[right]] = place;
            Enqueue(place);
            if (_previous[place] >= 0)
                Enqueue(_previous[place]);
        }

        private void Enqueue(int place)
        {
            if (TryMerge(place, out var merge))
                _pairs.Enqueue(place, (merge.Rank, place));
        }

        private bool TryMerge(int place, out (int Rank, int Joined) merge)
        {
            merge = default;
            return _symbols[place] != Joined && _next[place] < _symbols.Length
                && _merges.TryGetValue((_symbols[place], _symbols[_next[place]]), out merge);
        }
    }
}
