using System.Globalization;
using System.Text.Json;

namespace ControlNet.ML.Text;

/// <summary>
/// Reads the configuration beside the vocabulary: tokenizer_config.json and, where that lists no added tokens (files older than
/// transformers 4.34), special_tokens_map.json, which overrides it, and added_tokens.json. Each may be missing.
/// </summary>
internal static class TokenizerConfig
{
    private const string ConfigFile = "tokenizer_config.json", SpecialFile = "special_tokens_map.json", AddedFile = "added_tokens.json";

    private const int SmallestLength = 3;

    /// <summary>The options of a tokenizer's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="maxPositions">The length if the files give none or a larger one.</param>
    /// <param name="rules">The tokenizer's rules; the slow ones require CLIP's own class.</param>
    public static ClipTokenizerOptions Read(string folder, int maxPositions, ClipTextRules rules)
    {
        var options = new ClipTokenizerOptions { MaxLength = maxPositions, Rules = rules };
        var isComplete = false;
        var path = Path.Combine(folder, ConfigFile);
        if (File.Exists(path))
        {
            options = ReadFile(path, root => ReadConfig(root, options, path, out isComplete));
        }

        if (isComplete)
            return options;
        var special = Path.Combine(folder, SpecialFile);
        if (File.Exists(special))
            options = ReadFile(special, root => ReadNames(root, options, special));
        var added = Path.Combine(folder, AddedFile);
        if (File.Exists(added))
            options = options with
            {
                AddedTokens =
                ReadFile(added, root => root.EnumerateObject().Any() ? VocabularyReader.Read(root, added) : [])
            };
        return options;
    }

    private static T ReadFile<T>(string path, Func<JsonElement, T> read)
    {
        using var stream = TokenizerFile.Open(path);
        return TokenizerFile.ReadJson(stream, path, read);
    }

    private static ClipTokenizerOptions ReadConfig(JsonElement root, ClipTokenizerOptions defaults, string path, out bool isComplete)
    {
        // GPT-2's and other tokenizers have files of the same names and form, and give other ids.
        if (defaults.Rules == ClipTextRules.Slow
            && root.TryGetProperty("tokenizer_class", out var name) && name.ValueKind == JsonValueKind.String
            && name.GetString() is not ("CLIPTokenizer" or "CLIPTokenizerFast"))
        {
            throw new ControlNetException($"{path}: 'tokenizer_class' is '{name.GetString()}', expected 'CLIPTokenizer'.");
        }

        Require(root, "padding_side", "\"right\"", path);
        Require(root, "truncation_side", "\"right\"", path);
        Require(root, "split_special_tokens", "false", path);
        isComplete = root.TryGetProperty("added_tokens_decoder", out var added);
        return ReadNames(root, defaults, path) with
        {
            MaxLength = ReadLength(root, defaults.MaxLength, path),
            AddedTokens = isComplete ? ReadAdded(added, path) : defaults.AddedTokens,
        };
    }

    /// <summary>Refuses a key that asks for another way of tokenizing than CLIP's.</summary>
    private static void Require(JsonElement root, string key, string expected, string path)
    {
        if (root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null && value.GetRawText() != expected)
            throw new ControlNetException($"{path}: '{key}' is {value.GetRawText()}; only {expected} is supported.");
    }

    private static int ReadLength(JsonElement root, int maxPositions, string path)
    {
        if (!root.TryGetProperty("model_max_length", out var value) || value.ValueKind == JsonValueKind.Null)
            return maxPositions;
        // Files saved without a length say 1e30.
        if (value.ValueKind != JsonValueKind.Number
            || !value.TryGetDouble(out var length) || length < SmallestLength || length != Math.Truncate(length))
            throw new ControlNetException(
                $"{path}: 'model_max_length' is {value.GetRawText()}, expected a whole number of at least {SmallestLength}.");
        return (int)Math.Min(length, maxPositions);
    }

    private static ClipTokenizerOptions ReadNames(JsonElement root, ClipTokenizerOptions defaults, string path) => defaults with
    {
        BosToken = ReadName(root, "bos_token", path) ?? defaults.BosToken,
        EosToken = ReadName(root, "eos_token", path) ?? defaults.EosToken,
        UnknownToken = ReadName(root, "unk_token", path) ?? defaults.UnknownToken,
        PadToken = ReadName(root, "pad_token", path) ?? defaults.PadToken,
    };

    // A token is a string, or an object with the string as its content; null and absence leave CLIP's own.
    private static string? ReadName(JsonElement root, string key, string path)
    {
        if (!root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content))
            value = content;
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } token
            ? token
            : throw new ControlNetException($"{path}: '{key}' is no token: found {TokenizerFile.Kind(value)}, expected a string.");
    }

    private static Dictionary<string, int> ReadAdded(JsonElement added, string path)
    {
        if (added.ValueKind != JsonValueKind.Object)
            throw new ControlNetException(
                $"{path}: 'added_tokens_decoder' is {TokenizerFile.Kind(added)}, expected an object of ids and tokens.");
        var ids = new Dictionary<string, int>();
        foreach (var entry in added.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                throw new ControlNetException($"{path}: 'added_tokens_decoder' has the id '{entry.Name}', expected a whole number.");
            var token = entry.Value.ValueKind == JsonValueKind.Object ? ReadName(entry.Value, "content", path) : null;
            if (token is null)
                throw new ControlNetException($"{path}: 'added_tokens_decoder' has no 'content' for the id {id}.");
            if (!ids.TryAdd(token, id))
                throw new ControlNetException(
                    $"{path}: 'added_tokens_decoder' has the token '{token}' twice, with the ids {ids[token]} and {id}.");
        }

        return ids;
    }
}
