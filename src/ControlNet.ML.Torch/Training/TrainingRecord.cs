using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Training;

/// <summary><c>run.json</c>: every setting that a run's numbers depend on. A run is resumed only with the same ones.</summary>
internal static class TrainingRecord
{
    private const string Prediction = "prediction", ModelsOwn = "the model's own";

    /// <summary>Former names of settings, by which runs of earlier versions recorded them.</summary>
    private static readonly Dictionary<string, string> Renamed = new()
    {
        ["GradientAccumulation"] = nameof(TrainingOptions.GradientAccumulationSteps),
        ["Schedule"] = nameof(TrainingOptions.LearningRateScheduler),
        ["WarmUpSteps"] = nameof(TrainingOptions.LearningRateWarmupSteps),
        ["MaxGradientNorm"] = nameof(TrainingOptions.MaxGradNorm),
        ["EmaWarmUp"] = nameof(TrainingOptions.UseEmaWarmup),
        ["PromptDrop"] = nameof(TrainingOptions.ProportionEmptyPrompts),
        ["MinSnrGamma"] = nameof(TrainingOptions.SnrGamma),
        ["Flip"] = nameof(TrainingOptions.RandomFlip),
    };

    /// <summary>The values of settings that runs of earlier versions do not record: what those versions did.</summary>
    public static IReadOnlyDictionary<string, string> Earlier { get; } = new Dictionary<string, string>
    {
        [nameof(TrainingOptions.PromptSyntax)] = nameof(PromptSyntax.Plain),
        [nameof(TrainingOptions.LongPrompts)] = nameof(LongPrompts.Truncate),
        [Prediction] = ModelsOwn,
    };

    /// <summary>The settings by name.</summary>
    /// <param name="options">How the network is trained.</param>
    /// <param name="width">Image width in pixels.</param>
    /// <param name="height">Image height in pixels.</param>
    /// <param name="data">The table's fingerprint.</param>
    /// <param name="model">The base networks' fingerprint.</param>
    /// <param name="prediction">What the UNet predicts, if the user says so.</param>
    /// <param name="device">Device and precision.</param>
    public static Dictionary<string, string> Of(
        TrainingOptions options, int width, int height, string data, string model, PredictionType? prediction, TorchDevice device) => new()
        {
            ["data"] = data,
            ["model"] = model,
            [Prediction] = prediction?.ToString() ?? ModelsOwn,
            ["device"] = device.ToString(),
            [nameof(options.BatchSize)] = Text(options.BatchSize),
            [nameof(options.GradientAccumulationSteps)] = Text(options.GradientAccumulationSteps),
            [nameof(options.LearningRate)] = Text(options.LearningRate),
            [nameof(options.LearningRateScheduler)] = Text(options.LearningRateScheduler),

            // With a constant learning rate a run can be extended; a cosine depends on its last step.
            [nameof(options.Steps)] = options.LearningRateScheduler == LearningRateScheduler.Constant ? "any" : Text(options.Steps),
            [nameof(options.LearningRateWarmupSteps)] = Text(options.LearningRateWarmupSteps),
            [nameof(options.Optimizer)] = options.Optimizer.ToString(),
            [nameof(options.MaxGradNorm)] = Text(options.MaxGradNorm),
            [nameof(options.EmaDecay)] = Text(options.EmaDecay),
            [nameof(options.UseEmaWarmup)] = Text(options.UseEmaWarmup),
            [nameof(options.ProportionEmptyPrompts)] = Text(options.ProportionEmptyPrompts),
            [nameof(options.PromptSyntax)] = Text(options.PromptSyntax),
            [nameof(options.LongPrompts)] = Text(options.LongPrompts),
            [nameof(options.SnrGamma)] = Text(options.SnrGamma),
            [nameof(options.Width)] = Text(width),
            [nameof(options.Height)] = Text(height),
            [nameof(options.RandomFlip)] = Text(options.RandomFlip),
            [nameof(options.Crop)] = Text(options.Crop),
            [nameof(options.SdLocked)] = Text(options.SdLocked),
            [nameof(options.OnlyMidControl)] = Text(options.OnlyMidControl),
            [nameof(options.Ablation)] = Text(options.Ablation),
            [nameof(options.InitialControl)] = options.InitialControl ?? "none",
            [nameof(options.InitialBase)] = options.InitialBase ?? "none",
            [nameof(options.ConditioningEmbeddingOutChannels)] = string.Join(", ", options.ConditioningEmbeddingOutChannels),
            [nameof(options.Seed)] = Text(options.Seed),
            [nameof(options.Preprocess)] = options.Preprocess ?? "none",
            [nameof(options.PreprocessOptions)] = options.PreprocessOptions is null
            ? "defaults"
            : JsonSerializer.Serialize(options.PreprocessOptions),
            [nameof(options.ValidationRows)] = Text(options.ValidationRows),
        };

    /// <summary>Reads the settings of a run, also one that an earlier version began.</summary>
    /// <param name="file"><c>run.json</c>.</param>
    /// <exception cref="ControlNetException">The file is not a JSON object.</exception>
    public static Dictionary<string, string> Read(string file)
    {
        Dictionary<string, string> settings = [];
        foreach (var property in JsonText.ReadObject(file, file).EnumerateObject())
        {
            var text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
            settings[Renamed.GetValueOrDefault(property.Name, property.Name)] = text;
        }

        return settings;
    }

    private static string Text(object? value) =>
        Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "none";
}
