using System.Globalization;
using System.Text.Json;

namespace ControlNet.ML.Torch.Training;

/// <summary>What a run that goes on must have in common with the one that began: all that its numbers depend on.</summary>
internal static class TrainingRecord
{
    /// <summary>The settings by their names.</summary>
    /// <param name="options">How it is trained.</param>
    /// <param name="width">Columns of the images.</param>
    /// <param name="height">Rows of them.</param>
    /// <param name="data">The table's fingerprint.</param>
    /// <param name="model">The base networks' fingerprint.</param>
    /// <param name="device">Where it computes, and in which numbers.</param>
    public static Dictionary<string, string> Of(TrainingOptions options, int width, int height, string data, string model, TorchDevice device) => new()
    {
        ["data"] = data,
        ["model"] = model,
        ["device"] = device.ToString(),
        [nameof(options.BatchSize)] = Text(options.BatchSize),
        [nameof(options.GradientAccumulation)] = Text(options.GradientAccumulation),
        [nameof(options.LearningRate)] = Text(options.LearningRate),
        [nameof(options.Schedule)] = Text(options.Schedule),

        // With a constant rate a run may be made longer; a cosine depends on its end.
        [nameof(options.Steps)] = options.Schedule == LearningRateSchedule.Constant ? "any" : Text(options.Steps),
        [nameof(options.WarmUpSteps)] = Text(options.WarmUpSteps),
        [nameof(options.Optimizer)] = options.Optimizer.ToString(),
        [nameof(options.MaxGradientNorm)] = Text(options.MaxGradientNorm),
        [nameof(options.EmaDecay)] = Text(options.EmaDecay),
        [nameof(options.EmaWarmUp)] = Text(options.EmaWarmUp),
        [nameof(options.PromptDrop)] = Text(options.PromptDrop),
        [nameof(options.MinSnrGamma)] = Text(options.MinSnrGamma),
        [nameof(options.Width)] = Text(width),
        [nameof(options.Height)] = Text(height),
        [nameof(options.Flip)] = Text(options.Flip),
        [nameof(options.Crop)] = Text(options.Crop),
        [nameof(options.SdLocked)] = Text(options.SdLocked),
        [nameof(options.OnlyMidControl)] = Text(options.OnlyMidControl),
        [nameof(options.Ablation)] = Text(options.Ablation),
        [nameof(options.InitialControl)] = options.InitialControl ?? "none",
        [nameof(options.InitialBase)] = options.InitialBase ?? "none",
        [nameof(options.ConditioningEmbeddingOutChannels)] = string.Join(", ", options.ConditioningEmbeddingOutChannels),
        [nameof(options.Seed)] = Text(options.Seed),
        [nameof(options.Preprocess)] = options.Preprocess ?? "none",
        [nameof(options.PreprocessOptions)] = options.PreprocessOptions is null ? "defaults" : JsonSerializer.Serialize(options.PreprocessOptions),
        [nameof(options.ValidationRows)] = Text(options.ValidationRows),
    };

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "none";
}
