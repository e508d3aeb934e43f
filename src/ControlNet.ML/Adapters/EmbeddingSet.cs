using ControlNet.ML.Text;

namespace ControlNet.ML.Adapters;

/// <summary>The textual inversions of a model, and tokenizers that know their tokens. Immutable.</summary>
internal sealed class EmbeddingSet
{
    private readonly ClipTokenizer[] _first;

    private EmbeddingSet(ClipTokenizer[] first, IReadOnlyList<TextualInversion> all)
    {
        (_first, All) = (first, all);
        Tokenizers = Array.ConvertAll(
            first, tokenizer => all.Count == 0 ? tokenizer : tokenizer.WithTokens(all.SelectMany(embedding => embedding.Tokens)));
    }

    /// <summary>The textual inversions, in the order in which their tokens have ids.</summary>
    public IReadOnlyList<TextualInversion> All { get; }

    /// <summary>The tokenizers, one for each text encoder.</summary>
    public ClipTokenizer[] Tokenizers { get; }

    /// <summary>No textual inversions.</summary>
    public static EmbeddingSet Of(ClipTokenizer[] tokenizers) => new(tokenizers, []);

    /// <summary>The set with one more.</summary>
    /// <exception cref="ControlNetException">One of its tokens exists already.</exception>
    public EmbeddingSet With(TextualInversion embedding) => new(_first, [.. All, embedding]);

    /// <summary>The set without a token; null if it has no such one.</summary>
    public EmbeddingSet? Without(string token) =>
        All.Any(embedding => embedding.Token == token) ? new(_first, [.. All.Where(embedding => embedding.Token != token)]) : null;

    /// <summary>The first added id of a text encoder.</summary>
    public int First(int encoder) => _first[encoder].VocabularySize;

    /// <summary>The vectors of a text encoder in the order of their ids, [n, width].</summary>
    public TensorData Vectors(int encoder)
    {
        var towers = All.Select(embedding => embedding.Vectors[encoder]).ToList();
        return towers.Count == 0
            ? TensorData.Zeros(0, 0)
            : new TensorData([.. towers.SelectMany(tower => tower.Values)], towers.Sum(tower => tower.Shape[0]), towers[0].Shape[1]);
    }

    /// <summary>
    /// A prompt in which each token of several vectors is followed by the tokens of the others, as diffusers' <c>maybe_convert_prompt</c>
    /// does: <c>NAME NAME_1 NAME_2</c>.
    /// </summary>
    public string Convert(string prompt)
    {
        if (All.All(embedding => embedding.Tokens.Count == 1))
            return prompt;
        var found = Tokenizers[0].EncodeToTokens(prompt, out _).Select(token => token.Value).Distinct().ToList();
        foreach (var tokens in found.Select(name => All.FirstOrDefault(embedding => embedding.Token == name)?.Tokens))
        {
            if (tokens is { Count: > 1 })
                prompt = prompt.Replace(tokens[0], string.Join(' ', tokens), StringComparison.Ordinal);
        }

        return prompt;
    }

    /// <summary>The textual inversions that a prompt names.</summary>
    public IEnumerable<TextualInversion> In(string prompt) =>
        All.Where(embedding => prompt.Contains(embedding.Token, StringComparison.Ordinal));
}
