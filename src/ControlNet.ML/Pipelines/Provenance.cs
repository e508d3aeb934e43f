using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Hub;

namespace ControlNet.ML.Pipelines;

/// <summary>How an image was generated, for its PNG file, tables of results and ML.NET's rows.</summary>
internal static class Provenance
{
    /// <summary>The key of the scheduler's configuration, the longest of the entries.</summary>
    public const string SchedulerKey = "scheduler_config";

    // Keeps prompts of any script readable; safe since the JSON is never put into HTML unescaped.
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The entries as one line of JSON.</summary>
    public static string ToJson(IReadOnlyDictionary<string, string> entries) => JsonSerializer.Serialize(entries, Options);

    /// <summary>The entries of one image.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="controls">Each control network and its settings.</param>
    /// <param name="options">Steps, guidance scale, seed and so on.</param>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <param name="loras">The LoRAs of the networks.</param>
    public static Dictionary<string, string> Of(
        DiffusionModel model,
        string prompt,
        IReadOnlyList<(ControlNetwork Network, ControlUnit Unit)> controls,
        GenerateOptions options,
        SchedulerConfig scheduler,
        int width,
        int height,
        IReadOnlyList<WeightedLora> loras)
    {
        var entries = new Dictionary<string, string>
        {
            ["software"] = "ControlNet.ML "
                + $"{typeof(DiffusionModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}",
            ["model"] = model.RecordedName,
            ["prompt"] = prompt,
            ["negative_prompt"] = options.NegativePrompt ?? "",
            ["prompt_syntax"] = PromptSyntaxNames.Of(options.PromptSyntax),
            ["long_prompts"] = options.LongPrompts.ToString().ToLowerInvariant(),
            ["seed"] = Text(options.Seed),
            ["steps"] = Text(options.StepCount),
            ["guidance"] = Text(options.GuidanceScale),
            ["guidance_rescale"] = Text(options.GuidanceRescale),
            ["width"] = Text(width),
            ["height"] = Text(height),
            ["scheduler"] = options.Scheduler is { } chosen ? SchedulerCatalog.NameOf(chosen) : scheduler.ClassName,
            [SchedulerKey] = scheduler.ToJson(),
            ["eta"] = Text(options.Eta),
            ["clip_skip"] = Text(options.ClipSkip ?? 0),
            ["computed_by"] = model.Backend.Description,
        };
        if (model.Hash.Value is { } hash)
            entries[model.Folder.IsSingleFile ? "model_sha256" : "unet_sha256"] = hash;
        if (GenerationPipeline.TimeIds(model, width, height, options.Sizes) is { } ids)
            entries["size_conditioning"] = string.Join(' ', ids);
        if (options.Approximation.ToString() is { Length: > 0 } approximation)
            entries["approximation"] = approximation;
        if (options.Latents is not null)
            entries["noise"] = "given, not drawn from the seed";
        if (options.Image is { } image)
        {
            foreach (var (key, value) in OfImage(image))
                entries[key] = value;
        }

        for (var i = 0; i < controls.Count; i++)
        {
            var ((network, unit), prefix) = (controls[i], $"control_{i + 1}");
            entries[prefix] = network.RecordedName;
            if (network.Hash.Value is { } networkHash)
                entries[$"{prefix}_sha256"] = networkHash;
            entries[$"{prefix}_scale"] = Text(unit.Scale);
            entries[$"{prefix}_window"] = $"{Text(unit.Start)} {Text(unit.End)}";
            entries[$"{prefix}_weighting"] = ControlWeightingNames.Of(unit.Weighting);
        }

        for (var i = 0; i < loras.Count; i++)
        {
            var ((lora, weight), prefix) = (loras[i], $"lora_{i + 1}");
            entries[prefix] = ModelHub.PinnedName(lora.Source, lora.Path) ?? Path.GetFileName(lora.Path);
            entries[$"{prefix}_weight"] = Text(weight);
            entries[$"{prefix}_sha256"] = lora.Sha256;
        }

        foreach (var (i, embedding) in model.EmbeddingsIn($"{prompt} {options.NegativePrompt}").Index())
        {
            entries[$"embedding_{i + 1}"] = embedding.Token;
            entries[$"embedding_{i + 1}_sha256"] = embedding.Sha256;
        }

        return entries;

        static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
    }

    /// <summary>The initial image, identified by a hash of its values, since it may come from anywhere.</summary>
    private static IEnumerable<(string Key, string Value)> OfImage(ImageInput input)
    {
        yield return ("image_strength", input.StrengthOrDefault.ToString(CultureInfo.InvariantCulture));
        yield return ("image_pixels_sha256", input.Tensor is { } tensor
            ? Hash(tensor.Values)
            : Convert.ToHexStringLower(SHA256.HashData(input.Image!.Samples)));
        if (input.Mask is { } mask)
            yield return ("mask_pixels_sha256", Convert.ToHexStringLower(SHA256.HashData(mask.Samples)));
        if (input.Depth is { } depth)
            yield return ("depth_values_sha256", Hash(depth.Values));
    }

    private static string Hash(ReadOnlySpan<float> values) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(values)));
}
