using System.Text.Json;

namespace ControlNet.ML.Configuration;

/// <summary>
/// A diffusers folder's <c>model_index.json</c>: the pipeline and, for each part, the class that reads it. Class names only select among
/// built-in classes; they never load code.
/// </summary>
public sealed record ModelIndex
{
    private static readonly string[] PlainPipelines =
    [
        "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline", "StableDiffusionDepth2ImgPipeline",
        "StableDiffusionControlNetPipeline", "StableDiffusionControlNetImg2ImgPipeline", "StableDiffusionControlNetInpaintPipeline",
        "LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline",
    ];

    private static readonly string[] XLPipelines =
    [
        "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline",
        "StableDiffusionXLControlNetPipeline", "StableDiffusionXLControlNetImg2ImgPipeline", "StableDiffusionXLControlNetInpaintPipeline",
    ];

    private static readonly string[] Tokenizers = ["CLIPTokenizer", "CLIPTokenizerFast"];

    /// <summary>The parts of a pipeline and their allowed classes; a scheduler's class is checked when the scheduler is created.</summary>
    private static readonly (string Part, string Library, string[]? Classes, bool XLOnly)[] Needed =
    [
        ("unet", "diffusers", ["UNet2DConditionModel"], false),
        ("vae", "diffusers", ["AutoencoderKL"], false),
        ("text_encoder", "transformers", ["CLIPTextModel", "CLIPTextModelWithProjection"], false),
        ("tokenizer", "transformers", Tokenizers, false),
        ("scheduler", "diffusers", null, false),
        ("text_encoder_2", "transformers", ["CLIPTextModelWithProjection"], true),
        ("tokenizer_2", "transformers", Tokenizers, true),
    ];

    /// <summary>The pipeline's class, <c>StableDiffusionPipeline</c>.</summary>
    public string ClassName { get; private init; } = PlainPipelines[0];

    /// <summary>The scheduler's class; null without an index.</summary>
    public string? SchedulerClass { get; private init; }

    /// <summary>Whether it is an SDXL pipeline, with two text encoders.</summary>
    public bool IsXL { get; private init; }

    /// <summary>
    /// SDXL: whether an absent negative prompt means zeros rather than the empty prompt's embedding. True in diffusers unless the index
    /// says otherwise.
    /// </summary>
    public bool ForceZerosForEmptyPrompt { get; private init; } = true;

    /// <summary>The parts that the pipeline needs, by folder name.</summary>
    public IReadOnlyList<string> Parts => [.. Needed.Where(part => IsXL || !part.XLOnly).Select(part => part.Part)];

    /// <summary>Warnings about entries that are not used, for the log.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>The index assumed for a folder without one.</summary>
    /// <param name="hasSecondTextEncoder">Whether it has the folder <c>text_encoder_2</c>.</param>
    internal static ModelIndex Guess(bool hasSecondTextEncoder) =>
        new() { ClassName = hasSecondTextEncoder ? XLPipelines[0] : PlainPipelines[0], IsXL = hasSecondTextEncoder };

    /// <summary>Reads <c>model_index.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The index.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static ModelIndex Parse(ReadOnlySpan<byte> json, string source)
    {
        var reader = ConfigReader.Parse(json, source);
        var name = reader.TextOrNull("_class_name")
            ?? throw new ControlNetException($"{source}: has no '_class_name', expected the name of a pipeline.");
        new ConfigRules(source).OneOf("_class_name", name, [.. PlainPipelines, .. XLPipelines]);
        var isXL = XLPipelines.Contains(name);

        var missing = Needed.Where(part => (isXL || !part.XLOnly) && IsAbsent(reader.Find(part.Part)))
            .Select(part => Message.Name(part.Part)).ToList();
        if (missing.Count > 0)
            throw new ControlNetException($"{source}: the pipeline {name} needs parts that are missing: {Message.List(missing)}.");
        string? scheduler = null;
        foreach (var part in Needed.Where(part => isXL || !part.XLOnly))
        {
            var (library, type) = Pair(reader, part.Part);
            if (library != part.Library || !(part.Classes?.Contains(type) ?? true))
                throw new ControlNetException(
                    $"{source}: '{part.Part}' is [{Message.Name(library)}, {Message.Name(type)}], "
                        + $"expected {part.Library} with {(part.Classes is null ? "a scheduler's class" : Message.Choice(part.Classes))}.");
            if (part.Part == "scheduler")
                scheduler = type;
        }

        // SDXL's refiner, whose size conditioning differs.
        reader.Unsupported("requires_aesthetics_score", "false");

        // Parts without effect on the result, whose classes need not be known.
        reader.Ignore("depth_estimator");
        reader.Ignore(
            "_diffusers_version",
            "_name_or_path",
            "safety_checker",
            "requires_safety_checker",
            "feature_extractor",
            "image_encoder",
            "add_watermarker",
            "controlnet");
        return new ModelIndex
        {
            ClassName = name,
            IsXL = isXL,
            SchedulerClass = scheduler,
            ForceZerosForEmptyPrompt = reader.Flag("force_zeros_for_empty_prompt", true),
            Warnings = reader.Warnings(),
        };
    }

    /// <summary>
    /// Reads the index of a folder of ONNX graphs. Its exporters name the pipeline's class in many ways (<c>StableDiffusionPipeline</c>,
    /// <c>OnnxStableDiffusionPipeline</c>, <c>ORTStableDiffusionXLPipeline</c>), and classes of parts that tell nothing.
    /// </summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <param name="hasSecondTextEncoder">Whether the folder has <c>text_encoder_2</c>.</param>
    /// <exception cref="ControlNetException">It is no JSON, of another family, or of SDXL's refiner.</exception>
    internal static ModelIndex ParseExported(ReadOnlySpan<byte> json, string source, bool hasSecondTextEncoder)
    {
        var reader = ConfigReader.Parse(json, source);
        var name = reader.TextOrNull("_class_name") ?? Guess(hasSecondTextEncoder).ClassName;
        var plain = name.Replace("Onnx", "", StringComparison.Ordinal).Replace("ORT", "", StringComparison.Ordinal);
        new ConfigRules(source).OneOf("_class_name", plain, [.. PlainPipelines, .. XLPipelines]);
        reader.Unsupported("requires_aesthetics_score", "false");
        return new ModelIndex
        {
            ClassName = plain,
            IsXL = XLPipelines.Contains(plain),
            SchedulerClass = reader.Find("scheduler") is null ? null : Pair(reader, "scheduler").Class,
            ForceZerosForEmptyPrompt = reader.Flag("force_zeros_for_empty_prompt", true),
        };
    }

    private static bool IsAbsent(JsonElement? part) =>
        part is null or { ValueKind: JsonValueKind.Null }
        || (part is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2
            && pair[0].ValueKind == JsonValueKind.Null && pair[1].ValueKind == JsonValueKind.Null);

    private static (string Library, string Class) Pair(ConfigReader reader, string part)
    {
        var value = reader.Find(part)!.Value;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 2)
            throw reader.Error(part, value, "a pair of library and class");
        var pair = reader.Texts(part, []);
        return (pair[0], pair[1]);
    }
}
