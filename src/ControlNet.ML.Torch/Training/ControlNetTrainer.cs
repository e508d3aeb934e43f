using ControlNet.ML.Components;
using ControlNet.ML.Torch.Training.Data;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Torch.Training;

/// <summary>Adds the trainer to this library's part of ML.NET's catalog.</summary>
public static class TrainingCatalog
{
    /// <summary>Trains a control network; the fitted transformer makes images with it.</summary>
    /// <param name="stages"><c>mlContext.Transforms.ControlNet()</c>.</param>
    /// <param name="imageColumnName">The image column with the images to be learnt.</param>
    /// <param name="conditionColumnName">The image column with their conditions, of the images' size.</param>
    /// <param name="promptColumnName">The text column that says what they show.</param>
    /// <param name="model">The base, on torch. It stays the program's, which disposes it after the last row.</param>
    /// <param name="options">How it is trained; the folder above all.</param>
    /// <param name="outputColumnName">The image column that the fitted transformer adds.</param>
    /// <param name="generate">How that makes images; its token stops the training, too. Null for the defaults.</param>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
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
        options.Validate();
        if (options.Preprocess is not null)
            throw new ControlNetException($"{nameof(options.Preprocess)} is for folders; in a pipeline, append the condition's component before the trainer.");
        if (!options.SdLocked)
            throw new ControlNetException($"{nameof(options.SdLocked)} is false: the fitted transformer would draw with a UNet that has not learnt; train with {nameof(ControlNetTraining)} and load the UNet that it writes.");
        var columns = new TrainerColumns(imageColumnName, conditionColumnName, promptColumnName, outputColumnName);
        return new ControlNetTrainer(stages.Environment, columns, model, options, generate ?? new GenerateComponentOptions());
    }
}

/// <summary>
/// Trains a control network on rows: image, condition and prompt columns in; the fitted transformer adds an image that is made of prompt and
/// condition. A run that was interrupted goes on when the same rows are fitted again with the same options.
/// </summary>
/// <remarks>
/// Training needs its rows in any order and many times, so they are first written to <c>data</c> in the run's folder, one after the other, as
/// PNG files named by their contents.
/// </remarks>
public sealed class ControlNetTrainer : ModelEstimator<GenerateTransformer>
{
    private readonly TrainerColumns _columns;
    private readonly DiffusionModel _model;
    private readonly TrainingOptions _options;
    private readonly GenerateComponentOptions _generate;

    internal ControlNetTrainer(IHostEnvironment environment, TrainerColumns columns, DiffusionModel model, TrainingOptions options, GenerateComponentOptions generate)
        : base(environment, Columns(columns, model, generate)) =>
        (_columns, _model, _options, _generate) = (columns, model, options, generate);

    private protected override GenerateTransformer Create(IDataView input)
    {
        TrainingFolder.RequireUsable(_options.Folder);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_generate.CancellationToken);
        using var channel = Environment.Register(nameof(ControlNetTrainer)).Start("Fit");
        ConvergenceReading? seen = null;
        var options = _options with { Progress = new Relay(Tell) };
        var data = Path.Combine(_options.Folder, "data");
        ViewRows.Write(input, _columns, data, stop.Token);
        var result = ControlNetTraining.Run(_model, TrainingTable.Open(data), options, stop.Token);
        var network = ControlNetwork.Load(result.Control, _model.Options with { Parts = ModelParts.All, Progress = null });
        return new GenerateTransformer(
            Environment, new GenerateStage(_columns.Output, _columns.Prompt, _model, [new ControlColumn(_columns.Condition, network)], _generate), [network]);

        // To whoever asked and to mlContext.Log; and where ML.NET itself can stop the run.
        void Tell(TrainingProgress progress)
        {
            _options.Progress?.Report(progress);
            if (progress.Warning is { } warning)
                channel.Warning(MessageSensitivity.None, "{0}", warning);
            if (progress.Convergence is { } reading && reading != seen)
            {
                seen = reading;
                channel.Info(MessageSensitivity.None, "Step {0}: loss {1:f4}, held-out rows {2:f4}, with exchanged conditions {3:f4}, gap {4:p1}", progress.Step, progress.MeanLoss, reading.Loss, reading.ExchangedLoss, reading.Gap);
            }

            if (MlNetAccess.IsCancelled(Environment))
                stop.Cancel();
        }
    }

    /// <summary>Progress that is told at once, on the thread that works.</summary>
    private sealed class Relay(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }

    /// <summary>What it learns from, and what the fitted transformer will read: that shall not be missed after hours of training only.</summary>
    private static ComponentColumns Columns(TrainerColumns columns, DiffusionModel model, GenerateComponentOptions options) =>
        new GenerateStage(columns.Output, columns.Prompt, model, [], options).Columns.Reading(InputColumn.Image(columns.Image), InputColumn.Image(columns.Condition));
}

/// <summary>The columns of a trainer.</summary>
internal sealed record TrainerColumns(string Image, string Condition, string Prompt, string Output);
