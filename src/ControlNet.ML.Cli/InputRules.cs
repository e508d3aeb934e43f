using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>
/// Rules on inputs that <c>generate</c> and <c>score</c> share. Each command names the missing input in its own terms: an option, or a
/// column of the table.
/// </summary>
internal static class InputRules
{
    /// <summary>Checks that steps, guidance scale and the like are in range.</summary>
    /// <exception cref="UsageException">One is not.</exception>
    public static void CheckRanges(GenerateOptions options) => UsageException.ThrowIf(options.Validate());

    /// <summary>
    /// Checks that the scheduler takes the steps and its other options, the text encoder the clip skip, and graphs the approximation.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="options">The options, in their ranges.</param>
    /// <exception cref="UsageException">They do not.</exception>
    public static void CheckModel(ModelFolder model, GenerateOptions options)
    {
        UsageException.ThrowIf(ModelRequirements.OfClipSkip(model, options.ClipSkip));
        if (model.Graphs is not null)
            UsageException.ThrowIf(options.Approximation.ProblemOfGraphs);
        var own = model.ReadScheduler();
        var all = options.For(model.Generation);
        UsageException.Of(() => DenoisingLoop.CreateScheduler(
            SchedulerCatalog.Choose(own, all.Scheduler), all.StepCount, all.Eta, all.Image?.StrengthOrDefault));
    }

    /// <summary>Checks that there are photos if there are settings of the preprocessor.</summary>
    /// <param name="settings">Number of values of --set.</param>
    /// <param name="hasPhotos">Whether conditions are made from photos.</param>
    /// <param name="expected">What gives photos: <c>--photo</c>.</param>
    /// <exception cref="UsageException">There are none.</exception>
    public static void CheckSettings(int settings, bool hasPhotos, string expected)
    {
        if (settings > 0 && !hasPhotos)
            throw new UsageException($"--set needs a photo to preprocess, expected {expected}.");
    }

    /// <summary>Checks that there are conditions if control networks are named.</summary>
    /// <param name="controls">Number of values of --control.</param>
    /// <param name="hasConditions">Whether there are photos or conditions.</param>
    /// <param name="expected">What gives them: <c>--photo or --condition</c>.</param>
    /// <exception cref="UsageException">There are none.</exception>
    public static void CheckControls(int controls, bool hasConditions, string expected)
    {
        if (controls > 0 && !hasConditions)
            throw new UsageException($"--control needs a photo or a condition, expected {expected}.");
    }

    /// <summary>The error for a condition that is given twice.</summary>
    public static string OneSource(string photo, string condition) =>
        $"{photo} and {condition} both give the condition, expected one of them.";

    /// <summary>The error for a strength, mask or depth map without an image; begins with a verb.</summary>
    /// <param name="image">What gives the image: <c>an --image</c>.</param>
    public static string NeedsImage(string image) => $"needs {image}: the image to start from.";
}
