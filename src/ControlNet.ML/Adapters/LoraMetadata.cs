using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Adapters;

/// <summary>
/// Alpha where the tensors do not give it. diffusers stores peft's configuration of each network in the header's
/// <c>lora_adapter_metadata</c>; without it alpha is the rank.
/// </summary>
internal sealed class LoraMetadata
{
    private const string Key = "lora_adapter_metadata";

    private readonly JsonElement? _root;
    private readonly string _source;

    private LoraMetadata(JsonElement? root, string source) => (_root, _source) = (root, source);

    /// <summary>Reads a header's metadata.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="file">The file's name for messages.</param>
    /// <exception cref="ControlNetException">It is not JSON, or describes an adapter that is not supported.</exception>
    public static LoraMetadata Read(IReadOnlyDictionary<string, string> metadata, string file)
    {
        var source = $"{file}: {Key}";
        if (!metadata.TryGetValue(Key, out var json))
            return new LoraMetadata(null, source);
        var root = JsonText.ParseObject(Encoding.UTF8.GetBytes(json), source);
        foreach (var entry in root.EnumerateObject())
        {
            // Variants whose formula needs more than the two factors, or other ones.
            var feature = entry.Name[(entry.Name.LastIndexOf('.') + 1)..];
            if (feature is "use_dora" or "use_qalora" or "use_bdlora" or "lora_bias" && entry.Value.ValueKind == JsonValueKind.True)
                throw new ControlNetException($"{source}: {Message.Name(entry.Name)} is true, which is not supported.");
        }

        return new LoraMetadata(root, source);
    }

    /// <summary>Alpha divided by the rank, or by its root for a rank-stabilised LoRA.</summary>
    /// <param name="target">The module.</param>
    /// <param name="rank">Its rank.</param>
    /// <exception cref="ControlNetException">The value is not a number.</exception>
    public double Scale(LoraTarget target, long rank)
    {
        if (Find($"{target.Part}.lora_alpha") is not { } value)
            return 1;
        if (Find($"{target.Part}.alpha_pattern") is { ValueKind: JsonValueKind.Object } patterns)
        {
            foreach (var pattern in patterns.EnumerateObject())
            {
                if (!Matches(pattern.Name, target.Path))
                    continue;
                value = pattern.Value;
                break;
            }
        }

        var divisor = Find($"{target.Part}.use_rslora") is { ValueKind: JsonValueKind.True } ? Math.Sqrt(rank) : rank;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var alpha) && double.IsFinite(alpha)
            ? alpha / divisor
            : throw new ControlNetException($"{_source}: the alpha of '{target.Path}' is {JsonText.Describe(value)}, expected a number.");
    }

    private JsonElement? Find(string key) => _root is { } root && root.TryGetProperty(key, out var value) ? value : null;

    /// <summary>As peft matches them: a regular expression for the end of a path, from a dot.</summary>
    private bool Matches(string pattern, string path)
    {
        try
        {
            return Regex.IsMatch(path, $@"^(.*\.)?({pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            throw new ControlNetException($"{_source}: the pattern {Message.Name(pattern)} cannot be read: {error.Message}", error);
        }
    }
}
