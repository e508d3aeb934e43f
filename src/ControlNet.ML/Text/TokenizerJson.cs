using System.Text.Json;

namespace ControlNet.ML.Text;

/// <summary>
/// Reads tokenizer.json, the one file of the tokenizers library, if what it describes is CLIP's way of tokenizing.
/// Its regular expressions are compared with CLIP's, never run.
/// </summary>
internal sealed record TokenizerJson(
    Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges, Dictionary<string, int> AddedTokens)
{
    private const string Words = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    private static readonly string[] Patterns = [Words, @"<\|startoftext\|>|<\|endoftext\|>|" + Words];

    public static TokenizerJson Read(Stream stream, string source) => TokenizerFile.ReadJson(stream, source, root => Read(root, source));

    private static TokenizerJson Read(JsonElement root, string source)
    {
        var model = Member(root, "model");
        if (model.ValueKind != JsonValueKind.Object)
            throw new ControlNetException($"{source}: 'model' is missing, expected a BPE model.");
        Require(source, "model.type", Text(Member(model, "type")), "BPE");
        Require(source, "model.end_of_word_suffix", Text(Member(model, "end_of_word_suffix")), "</w>");
        Require(source, "model.continuing_subword_prefix", Text(Member(model, "continuing_subword_prefix")) ?? "", "");
        Require(source, "normalizer", string.Join(", ", Steps(root, "normalizer", "normalizers").Select(Type)), "NFC, Replace, Lowercase");
        var cuts = Steps(root, "pre_tokenizer", "pretokenizers");
        Require(source, "pre_tokenizer", string.Join(", ", cuts.Select(Type)), "Split, ByteLevel");
        Require(source, "pre_tokenizer's pattern", Text(Member(Member(cuts[0], "pattern"), "Regex")), Patterns);

        var vocabulary = VocabularyReader.Read(Member(model, "vocab"), $"{source}, 'model.vocab'");
        return new(vocabulary, ReadMerges(Member(model, "merges"), vocabulary, source), ReadAdded(Member(root, "added_tokens"), source));
    }

    private static List<(string Left, string Right)> ReadMerges(JsonElement merges, Dictionary<string, int> vocabulary, string source)
    {
        if (merges.ValueKind != JsonValueKind.Array)
            throw new ControlNetException($"{source}: 'model.merges' is {TokenizerFile.Kind(merges)}, expected an array.");
        var result = new List<(string Left, string Right)>();
        foreach (var merge in merges.EnumerateArray())
        {
            string?[] parts = merge.ValueKind switch
            {
                JsonValueKind.Array => [.. merge.EnumerateArray().Select(Text)],
                JsonValueKind.String => [.. merge.GetString()!.Split(' ')],
                _ => [],
            };
            if (parts is not [{ Length: > 0 } left, { Length: > 0 } right])
                throw new ControlNetException($"{source}: 'model.merges[{result.Count}]' has {parts.Length} parts, expected two tokens.");
            foreach (var token in (string[])[left, right, left + right])
            {
                if (!vocabulary.ContainsKey(token))
                    throw new ControlNetException(
                        $"{source}: 'model.merges[{result.Count}]' joins '{left}' and '{right}': '{token}' is not in the vocabulary.");
            }

            result.Add((left, right));
        }

        return result;
    }

    private static Dictionary<string, int> ReadAdded(JsonElement added, string source)
    {
        var result = new Dictionary<string, int>();
        if (added.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return result;
        if (added.ValueKind != JsonValueKind.Array)
            throw new ControlNetException($"{source}: 'added_tokens' is {TokenizerFile.Kind(added)}, expected an array.");
        foreach (var entry in added.EnumerateArray())
        {
            if (Text(Member(entry, "content")) is not { Length: > 0 } token)
                throw new ControlNetException($"{source}: 'added_tokens[{result.Count}]' has no 'content'.");
            if (!result.TryAdd(token, VocabularyReader.ReadId(Member(entry, "id"), token, $"{source}, 'added_tokens'")))
                throw new ControlNetException($"{source}: the token '{token}' stands twice in 'added_tokens'.");
        }

        return result;
    }

    // One step, or the steps of a sequence.
    private static JsonElement[] Steps(JsonElement root, string name, string list)
    {
        var step = Member(root, name);
        if (Type(step) != "Sequence")
            return [step];
        var steps = Member(step, list);
        return steps.ValueKind == JsonValueKind.Array ? [.. steps.EnumerateArray()] : [];
    }

    private static void Require(string source, string key, string? found, params string[] expected)
    {
        if (expected.Contains(found))
            return;
        var what = found is null ? "missing" : $"'{found}'";
        throw new ControlNetException($"{source}: '{key}' is {what}, but CLIP's is '{expected[0]}': this is another kind of tokenizer.");
    }

    private static string Type(JsonElement step) => Text(Member(step, "type")) ?? "nothing";

    private static JsonElement Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
