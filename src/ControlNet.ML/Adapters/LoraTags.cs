using System.Globalization;
using System.Text.RegularExpressions;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>The LoRAs that a prompt names, as web UIs write them: <c>&lt;lora:name:weight&gt;</c>, or without a weight for 1.</summary>
internal static partial class LoraTags
{
    private const string Expected = "<lora:NAME> or <lora:NAME:WEIGHT>";

    /// <summary>Moves the LoRAs of a request's prompt to its options. Without a folder for them, a prompt is taken as it is.</summary>
    /// <exception cref="ControlNetException">A tag is not of this form, or the folder has no such file.</exception>
    public static GenerateRequest Apply(GenerateRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Prompt);
        if (request.Options.LoraFolder is not { } folder || !request.Prompt.Contains("<lora:", StringComparison.Ordinal))
            return request;
        var loras = request.Options.Loras.ToList();
        loras.AddRange(Tag().Matches(request.Prompt).Select(tag => Parse(folder, tag)));
        return request with { Prompt = Tag().Replace(request.Prompt, ""), Options = request.Options with { Loras = loras } };
    }

    /// <summary>All tags of a prompt.</summary>
    public static string In(string prompt) => string.Concat(Tag().Matches(prompt).Select(tag => tag.Value));

    [GeneratedRegex("<lora:([^<>]*)>")]
    private static partial Regex Tag();

    private static LoraWeight Parse(string folder, Match tag)
    {
        var parts = tag.Groups[1].Value.Split(':');
        var weight = 1.0;
        if (parts.Length > 2 || parts[0].Trim().Length == 0
            || (parts.Length == 2 && !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out weight))
            || !double.IsFinite(weight))
            throw new ControlNetException($"The prompt has {Message.Name(tag.Value)}, expected {Expected}.");
        return new LoraWeight(Find(folder, parts[0].Trim()), weight);
    }

    private static string Find(string folder, string name)
    {
        if (!Directory.Exists(folder))
            throw new ControlNetException($"{folder}: does not exist, expected the folder of the LoRAs that prompts name.");
        var files = Directory.EnumerateFiles(folder)
            .Where(WeightEndings.AreOf)
            .Order(StringComparer.Ordinal).ToList();

        // Only a name in the folder: a prompt may come from anywhere, and opens no other file.
        if (files.Find(file => Path.GetFileNameWithoutExtension(file) == name) is { } found)
            return found;
        var near = NearestName.Suggest(name, files.Select(file => Path.GetFileNameWithoutExtension(file)));
        throw new ControlNetException(
            $"{folder}: has no LoRA {Message.Name(name)}{(near is null ? "" : $", did you mean {Message.Name(near)}?")}"
                + $"{(near is null ? $", expected a file of this name with {Message.Choices(WeightEndings.All)}." : "")}");
    }
}
