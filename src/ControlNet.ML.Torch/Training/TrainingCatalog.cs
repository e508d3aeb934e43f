using ControlNet.ML;
using ControlNet.ML.Components;
using ControlNet.ML.Torch.Training;

// The namespace of ML.NET's own catalogs, as ControlNetCatalog's.
namespace Microsoft.ML;

/// <summary>Adds the trainer to this library's part of ML.NET's catalog.</summary>
public static class TrainingCatalog
{
    /// <summary>Trains a control network; the fitted transformer generates images with it.</summary>
    /// <param name="stages"><c>mlContext.Transforms.ControlNet()</c>.</param>
    /// <param name="imageColumnName">Image column to train on.</param>
    /// <param name="conditionColumnName">Image column of the conditions, of the same size as the images.</param>
    /// <param name="promptColumnName">Text column of the prompts.</param>
    /// <param name="model">The base model, on torch. The caller keeps ownership and disposes it after the last row.</param>
    /// <param name="options">How the network is trained, and the run's folder.</param>
    /// <param name="outputColumnName">Image column that the fitted transformer adds.</param>
    /// <param name="generate">How the fitted transformer generates; its token also cancels training. Null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> trains.</returns>
    /// <exception cref="ControlNetException">An option is out of its range, or works for folders only.</exception>
    public static ControlNetTrainer TrainControlNet(
        this ControlNetTransforms stages, string imageColumnName, string conditionColumnName, string promptColumnName, DiffusionModel model,
        TrainingOptions options, string outputColumnName = "Image", GenerateComponentOptions? generate = null)
    {
        ArgumentNullException.ThrowIfNull(stages);
        ArgumentException.ThrowIfNullOrEmpty(imageColumnName);
        ArgumentException.ThrowIfNullOrEmpty(conditionColumnName);
        ArgumentException.ThrowIfNullOrEmpty(promptColumnName);
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        if (options.Preprocess is not null)
            throw new ControlNetException($"{nameof(options.Preprocess)} works for folders only; in a pipeline, append the condition's "
                + $"component before the trainer.");
        if (!options.SdLocked)
            throw new ControlNetException($"{nameof(options.SdLocked)} is false, expected true: the fitted transformer would use the "
                + $"original UNet. Train with {nameof(ControlNetTraining)} and load the UNet that it writes.");
        var columns = new TrainerColumns(imageColumnName, conditionColumnName, promptColumnName, outputColumnName);
        return new ControlNetTrainer(stages.Environment, columns, model, options, generate ?? new GenerateComponentOptions());
    }
}
