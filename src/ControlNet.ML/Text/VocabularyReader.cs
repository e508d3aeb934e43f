using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Text;

/// <summary>Reads token → id, as in vocab.json, added_tokens.json and the model of tokenizer.json.</summary>
internal static class VocabularyReader
{
    /// <summary>Beyond any embedding: CLIP has 49,408 tokens.</summary>
    private const int MaxId = (1 << 24) - 1;

    /// <summary>All tokens of an object, each with an id of its own.</summary>
    /// <param name="vocabulary">The JSON object.</param>
    /// <param name="source">File and key, for messages.</param>
    public static Dictionary<string, int> Read(JsonElement vocabulary, string source)
    {
        if (vocabulary.ValueKind != JsonValueKind.Object)
            throw new ControlNetException($"{source} is a JSON {TokenizerFile.Kind(vocabulary)}, expected an object of tokens and ids.");
        var ids = new Dictionary<string, int>();
        var tokens = new Dictionary<int, string>();
        foreach (var entry in vocabulary.EnumerateObject())
        {
            var id = ReadId(entry.Value, entry.Name, source);
            if (entry.Name.Length == 0)
                throw new ControlNetException($"{source}: the token with id {id} is empty.");
            if (!ids.TryAdd(entry.Name, id))
                throw new ControlNetException($"{source}: the token '{entry.Name}' stands twice, with the ids {ids[entry.Name]} and {id}.");
            if (!tokens.TryAdd(id, entry.Name))
                throw new ControlNetException($"{source}: the tokens '{tokens[id]}' and '{entry.Name}' have the same id {id}.");
        }

        return ids.Count > 0 ? ids : throw new ControlNetException($"{source} holds no tokens.");
    }

    /// <summary>One id.</summary>
    public static int ReadId(JsonElement value, string token, string source) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id is >= 0 and <= MaxId
            ? id
            : throw new ControlNetException(
                $"{source}: the id of '{token}' is {JsonText.Describe(value)}, expected a whole number from 0 to {MaxId}.");
}
