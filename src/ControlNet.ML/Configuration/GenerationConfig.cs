using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Configuration;

/// <summary>
/// A model's own defaults for generation, <c>generation_config.json</c> in its folder: what its authors recommend, used where the user says
/// nothing. Without the file, the defaults are diffusers'. The keys are the arguments of diffusers' pipelines; the file itself is this
/// library's, diffusers ignores it.
/// </summary>
public sealed record GenerationConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>No recommendations.</summary>
    public GenerationConfig()
    {
    }

    private GenerationConfig(ConfigReader reader)
    {
        GuidanceScale = reader.NumberOrNull("guidance_scale");
        NumInferenceSteps = reader.WholeOrNull("num_inference_steps");
        Width = reader.WholeOrNull("width");
        Height = reader.WholeOrNull("height");
        Scheduler = reader.TextOrNull("scheduler");
        Prompt = reader.TextOrNull("prompt");
        reader.Ignore("_diffusers_version");
        Warnings = reader.Warnings();
    }

    /// <summary>Guidance scale, <c>guidance_scale</c>.</summary>
    /// <value>Null: 7.5.</value>
    public double? GuidanceScale { get; init; }

    /// <summary>Denoising steps, <c>num_inference_steps</c>, 1 to 1,000.</summary>
    /// <value>Null: 50.</value>
    public int? NumInferenceSteps { get; init; }

    /// <summary>Width in pixels, <c>width</c>.</summary>
    /// <value>Null: the size that the model was trained with.</value>
    public int? Width { get; init; }

    /// <summary>Height in pixels, <c>height</c>.</summary>
    /// <value>Null: the size that the model was trained with.</value>
    public int? Height { get; init; }

    /// <summary>Scheduler, <c>scheduler</c>: one of <see cref="SchedulerCatalog.Names"/>.</summary>
    /// <value>Null: that of <c>scheduler/scheduler_config.json</c>.</value>
    public string? Scheduler { get; init; }

    /// <summary>How prompts are written, <c>prompt</c>, for people: <c>NAME, fluent 3d emoji</c>. Nothing is added to a prompt.</summary>
    public string? Prompt { get; init; }

    /// <summary>Warnings about unknown keys.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads <c>generation_config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The defaults.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static GenerationConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new GenerationConfig(ConfigReader.Parse(json, source));
        var rules = new ConfigRules(source);
        rules.Range("num_inference_steps", config.NumInferenceSteps ?? 1, 1, GenerateOptions.MaxSteps);
        rules.Range("guidance_scale", config.GuidanceScale ?? 0, -1e6, 1e6);
        try
        {
            _ = config.Scheduler is { } scheduler ? SchedulerCatalog.Describe(scheduler) : null;
        }
        catch (ControlNetException error)
        {
            throw new ControlNetException($"{source}: 'scheduler': {error.Message}", error);
        }

        return config;
    }

    /// <summary>Reads the file of a model's folder.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <returns>The defaults; no recommendations if there is no such file.</returns>
    internal static GenerationConfig Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) ? Parse(JsonText.ReadFile(path, FileName), FileName) : new GenerationConfig();
    }
}
