using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Text;

/// <summary>
/// CLIP's byte-level BPE tokenizer: the ids that transformers' <c>CLIPTokenizer</c> gives, for any text. Immutable and safe to share
/// between threads.
/// </summary>
/// <remarks>
/// <para>
/// It stands wherever .NET code takes a <see cref="Tokenizer"/>. The methods of that class (<c>EncodeToIds</c>, <c>EncodeToTokens</c>,
/// <c>CountTokens</c>, <c>GetIndexByTokenCount</c>) give the tokens of the text alone: no start token, end token or padding, and no limit
/// but the one passed. <see cref="Tokenize"/> adds these.
/// </para>
/// <para>
/// With normalization, which is the default, offsets and indices refer to the normalized text, which the methods return; without, to the
/// text passed. A character whose UTF-8 is split between tokens belongs to each of them. Without pre-tokenization the whole text is one
/// word.
/// </para>
/// </remarks>
public sealed class ClipTokenizer : Tokenizer
{
    private const string VocabularyFile = "vocab.json", MergesFile = "merges.txt", SingleFile = "tokenizer.json";

    private readonly Dictionary<string, int> _vocabulary;
    private readonly BytePairEncoding _encoding;
    private readonly ClipTokenizerOptions _options;
    private readonly string _source;
    private readonly Dictionary<int, string> _tokens;
    private readonly ClipEncoder _encoder;
    private readonly ClipDecoder _decoder;

    private ClipTokenizer(Dictionary<string, int> vocabulary, BytePairEncoding encoding, ClipTokenizerOptions options, string source)
    {
        (_vocabulary, _encoding, _options, _source) = (vocabulary, encoding, options, source);
        _tokens = vocabulary.ToDictionary(entry => entry.Value, entry => entry.Key);
        foreach (var (token, id) in options.AddedTokens)
        {
            if (token.Length == 0)
                throw new ControlNetException($"{source}: the added token with the id {id} is empty.");
            if (vocabulary.TryGetValue(token, out var other) && other != id)
                throw new ControlNetException($"{source}: the added token '{token}' has the id {id}, in the vocabulary {other}.");
            if (!_tokens.TryAdd(id, token) && _tokens[id] != token)
                throw new ControlNetException($"{source}: the added token '{token}' has the id {id}, which is that of '{_tokens[id]}'.");
        }

        VocabularySize = _tokens.Keys.Max() + 1;
        MaxLength = options.MaxLength;
        BosTokenId = IdOf("start", options.BosToken);
        EosTokenId = IdOf("end", options.EosToken);
        PadTokenId = IdOf("padding", options.PadToken);
        var unknownId = IdOf("unknown", options.UnknownToken);
        var added = new AddedTokens(new Dictionary<string, int>(options.AddedTokens)
        {
            [options.BosToken] = BosTokenId,
            [options.EosToken] = EosTokenId,
            [options.PadToken] = PadTokenId,
            [options.UnknownToken] = unknownId,
        });
        HashSet<string> special = [options.BosToken, options.EosToken, options.PadToken, options.UnknownToken];
        _encoder = new ClipEncoder(vocabulary, encoding, added, unknownId);
        _decoder = new ClipDecoder(_tokens, added, special, source);
    }

    /// <summary>The start token's id.</summary>
    public int BosTokenId { get; }

    /// <summary>The end token's id.</summary>
    public int EosTokenId { get; }

    /// <summary>The padding token's id, up to <see cref="MaxLength"/>: the end token's, or in some families that of <c>!</c>.</summary>
    public int PadTokenId { get; }

    /// <summary>The number of ids in a tokenized prompt, start and end included: 77 in all CLIP models of Stable Diffusion.</summary>
    public int MaxLength { get; }

    /// <summary>The highest id plus 1: the number of rows that a text encoder's embedding needs.</summary>
    public int VocabularySize { get; }

    /// <summary>
    /// CLIP's cleaning: normalization form C and lower case; by the slow rules without invisible characters, and with spaces around
    /// ideographs. Added tokens stay as they are.
    /// </summary>
    public override Normalizer Normalizer => _encoder.Normalizer;

    /// <summary>CLIP's words: runs of letters, single digits, runs of other characters, English contractions; and added tokens.</summary>
    /// <remarks>
    /// Alone it finds added tokens in any text. The tokenizer does so before normalization, by the slow rules only then: <c>&lt;CAT&gt;</c>
    /// is
    /// no added token <c>&lt;cat&gt;</c>, though its normalized text is.
    /// </remarks>
    public override PreTokenizer PreTokenizer => _encoder.PreTokenizer;

    /// <summary>
    /// Reads a tokenizer's folder: vocab.json and merges.txt or, where these are missing, tokenizer.json; and the configuration beside
    /// them.
    /// </summary>
    /// <param name="folder">The folder, <c>tokenizer</c> in a diffusers model.</param>
    /// <param name="maxPositions">
    /// The text encoder's <c>max_position_embeddings</c>: the length if the files give none, and the longest allowed.
    /// </param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ControlNetException">A file is missing or faulty, or is that of another kind of tokenizer.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The maximum is less than 3.</exception>
    public static ClipTokenizer Load(string folder, int maxPositions = 77)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPositions, 3);
        string[] names = [VocabularyFile, MergesFile, SingleFile];
        var paths = Array.ConvertAll(names, name => Path.Combine(folder, name));
        var isThere = Array.ConvertAll(paths, File.Exists);
        if (isThere is [true, true, _])
        {
            using var vocabulary = TokenizerFile.Open(paths[0]);
            using var merges = TokenizerFile.Open(paths[1]);
            return Create(vocabulary, merges, TokenizerConfig.Read(folder, maxPositions, ClipTextRules.Slow), paths[0], paths[1]);
        }

        if (isThere is [_, _, true])
        {
            using var stream = TokenizerFile.Open(paths[2]);
            var json = TokenizerJson.Read(stream, paths[2]);
            var options = TokenizerConfig.Read(folder, maxPositions, ClipTextRules.Fast);
            return Create(
                json.Vocabulary, json.Merges, options with { AddedTokens = Join(json.AddedTokens, options.AddedTokens) }, paths[2]);
        }

        var missing = isThere switch
        {
            [true, ..] => MergesFile + " is missing beside " + VocabularyFile,
            [_, true, _] => VocabularyFile + " is missing beside " + MergesFile,
            _ => $"no tokenizer here, expected {VocabularyFile} and {MergesFile}, or {SingleFile}",
        };
        throw new ControlNetException($"{folder}: {missing}.");
    }

    /// <summary>Creates a tokenizer from the contents of vocab.json and merges.txt.</summary>
    /// <param name="vocabulary">A JSON object, token → id. Read to its end, not closed.</param>
    /// <param name="merges">A version line, then one pair of tokens per line. Read to its end, not closed.</param>
    /// <param name="options">Special tokens, length and rules; null for those of CLIP-L.</param>
    /// <param name="source">Their name in messages, for example their folder.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ControlNetException">The contents are faulty, or the special tokens are not among them.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The maximum length is less than 3.</exception>
    public static ClipTokenizer Create(Stream vocabulary, Stream merges, ClipTokenizerOptions? options = null, string source = "tokenizer")
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(merges);
        options ??= new ClipTokenizerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLength, 3, nameof(options));
        return Create(vocabulary, merges, options, $"{source}/{VocabularyFile}", $"{source}/{MergesFile}");
    }

    /// <summary>The tokenizer with CLIP's own vocabulary, which comes with this library.</summary>
    /// <param name="options">Special tokens, length and rules; null for those of CLIP-L.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ControlNetException">The special tokens are not in the vocabulary.</exception>
    public static ClipTokenizer Clip(ClipTokenizerOptions? options = null)
    {
        var (vocabulary, merges) = ClipVocabulary.Shared;
        return Create(vocabulary, merges, options ?? new ClipTokenizerOptions(), "CLIP's tokenizer");
    }

    /// <summary>
    /// Returns a tokenizer with additional tokens, as textual inversion adds them. Their ids continue from <see cref="VocabularySize"/>.
    /// </summary>
    /// <param name="tokens">The new tokens, matched case-sensitively before a text is cleaned.</param>
    /// <returns>A new tokenizer.</returns>
    /// <exception cref="ControlNetException">A token is empty or exists already.</exception>
    public ClipTokenizer WithTokens(params IEnumerable<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var added = new Dictionary<string, int>(_options.AddedTokens);
        var next = VocabularySize;
        foreach (var token in tokens)
        {
            if (string.IsNullOrEmpty(token))
                throw new ControlNetException($"{_source}: a token to be added is empty.");
            if (_vocabulary.ContainsKey(token) || !added.TryAdd(token, next++))
                throw new ControlNetException($"{_source}: the token '{token}' cannot be added, there is one of that name.");
        }

        return new ClipTokenizer(_vocabulary, _encoding, _options with { AddedTokens = added }, _source);
    }

    /// <summary>Checks that a text encoder has an embedding for every id.</summary>
    /// <param name="vocabularySize">The number of rows of its token embedding, <c>vocab_size</c>.</param>
    /// <param name="encoder">Its name in the message.</param>
    /// <exception cref="ControlNetException">An id lies beyond the embedding.</exception>
    public void EnsureFits(int vocabularySize, string encoder)
    {
        var highest = VocabularySize - 1;
        if (highest >= vocabularySize)
        {
            throw new ControlNetException(
                $"{_source}: the token '{_tokens[highest]}' has the id {highest}, but {encoder} embeds {vocabularySize} tokens: are the "
                    + $"two of one model?");
        }
    }

    /// <summary>The ids of a text of any length, without start and end token, as <c>EncodeToIds</c>. No text is refused.</summary>
    /// <param name="text">The text; special tokens in it become their ids.</param>
    /// <returns>The ids.</returns>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return EncodeToIds(text);
    }

    /// <summary>A prompt as the text encoder takes it: between start and end token, cut or padded to <see cref="MaxLength"/>.</summary>
    /// <param name="text">The prompt. For prompts of any length see <see cref="PromptWindows"/>.</param>
    /// <returns>The ids, as many as <see cref="MaxLength"/>, and the text that was cut.</returns>
    public TokenizedPrompt Tokenize(string text)
    {
        var ids = Encode(text);
        var room = MaxLength - 2;
        var kept = Math.Min(ids.Count, room);
        return new TokenizedPrompt(Frame(ids.Take(kept)), kept + 2, ids.Count > room ? Decode(ids.Skip(room)) : null);
    }

    /// <summary>
    /// The text of ids, as transformers' <c>decode</c> gives it: words in lower case with one space between, special tokens included.
    /// </summary>
    /// <param name="ids">Ids of this tokenizer.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    public override string Decode(IEnumerable<int> ids) => _decoder.Decode(ids, skipSpecialTokens: false);

    /// <summary>The text of ids, with or without special tokens.</summary>
    /// <param name="ids">Ids of this tokenizer.</param>
    /// <param name="skipSpecialTokens">Whether to leave out start, end, padding and unknown tokens.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens) => _decoder.Decode(ids, skipSpecialTokens);

    /// <summary>Writes the text of ids, special tokens included.</summary>
    /// <param name="ids">Ids of this tokenizer.</param>
    /// <param name="destination">Receives the text.</param>
    /// <param name="idsConsumed">
    /// The number of ids whose text was written. One that ends within a character counts once the next completes it. The space after a word
    /// is written with the next word.
    /// </param>
    /// <param name="charsWritten">The length of the text written.</param>
    /// <returns>
    /// <see cref="OperationStatus.Done"/>; <see cref="OperationStatus.DestinationTooSmall"/> if the text of the next id does not fit;
    /// <see cref="OperationStatus.InvalidData"/> if an id is not in the vocabulary.
    /// </returns>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten) =>
        _decoder.Decode(ids, destination, out idsConsumed, out charsWritten);

    /// <summary>Start token, ids, end token and padding.</summary>
    internal int[] Frame(IEnumerable<int> ids)
    {
        var framed = new int[MaxLength];
        Array.Fill(framed, PadTokenId);
        framed[0] = BosTokenId;
        var place = 1;
        foreach (var id in ids)
            framed[place++] = id;
        framed[place] = EosTokenId;
        return framed;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        Encode(text, textSpan, settings, piece => new EncodedToken(piece.Id, _tokens[piece.Id], piece.Start..piece.End));

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        Encode(text, textSpan, settings, piece => piece.Id);

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        Math.Min(settings.MaxTokenCount, Encode(text, textSpan, settings).Pieces.Count);

    /// <inheritdoc/>
    /// <remarks>
    /// Words are not split, for part of one has other tokens on its own: the text on the one side of the index has exactly the tokens
    /// counted.
    /// </remarks>
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        var encoded = Encode(text, textSpan, settings);
        normalizedText = settings.ConsiderNormalization ? encoded.Text : null;
        tokenCount = fromEnd ? encoded.CountWordsFromEnd(settings.MaxTokenCount) : encoded.CountWords(settings.MaxTokenCount);
        return fromEnd ? encoded.StartOf(tokenCount) : encoded.EndOf(tokenCount);
    }

    private static ClipTokenizer Create(
        Stream vocabulary, Stream merges, ClipTokenizerOptions options, string vocabularySource, string mergesSource) => Create(
        TokenizerFile.ReadJson(vocabulary, vocabularySource, root => VocabularyReader.Read(root, vocabularySource)),
        MergesReader.Read(merges, mergesSource), options, vocabularySource);

    private static ClipTokenizer Create(
        Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges, ClipTokenizerOptions options, string source) =>
        new(vocabulary, new BytePairEncoding(vocabulary, merges, options.Rules), options, source);

    private static Dictionary<string, int> Join(Dictionary<string, int> first, IReadOnlyDictionary<string, int> second)
    {
        foreach (var (token, id) in second)
            first[token] = id;
        return first;
    }

    private int IdOf(string role, string token) =>
        _vocabulary.TryGetValue(token, out var id) || _options.AddedTokens.TryGetValue(token, out id)
            ? id
            : throw new ControlNetException($"{_source}: the {role} token '{token}' is not in the vocabulary.");

    private EncodeResults<T> Encode<T>(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, Func<TextPiece, T> select)
    {
        var encoded = Encode(text, textSpan, settings);
        var tokens = new T[Math.Min(settings.MaxTokenCount, encoded.Pieces.Count)];
        for (var i = 0; i < tokens.Length; i++)
            tokens[i] = select(encoded.Pieces[i]);
        return new()
        {
            Tokens = tokens,
            NormalizedText = settings.ConsiderNormalization ? encoded.Text : null,
            CharsConsumed = encoded.EndOf(tokens.Length),
        };
    }

    private EncodedText Encode(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(settings.MaxTokenCount, nameof(settings));
        return _encoder.Encode(text ?? textSpan.ToString(), settings.ConsiderNormalization, settings.ConsiderPreTokenization);
    }
}
