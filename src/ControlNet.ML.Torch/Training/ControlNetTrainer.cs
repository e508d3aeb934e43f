using ControlNet.ML.Components;
using ControlNet.ML.Torch.Training.Data;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Trains a control network on columns of images, conditions and prompts; the fitted transformer adds an image generated from prompt and
/// condition. Fitting the same rows again with the same options resumes an interrupted run.
/// </summary>
/// <remarks>
/// Training reads its rows many times and in random order, so <c>Fit</c> first writes them, one at a time, to <c>data</c> in the run's
/// folder, as PNG files named by their contents.
/// </remarks>
public sealed class ControlNetTrainer : ModelEstimator<GenerateTransformer>
{
    private readonly TrainerColumns _columns;
    private readonly DiffusionModel _model;
    private readonly TrainingOptions _options;
    private readonly GenerateComponentOptions _generate;

    internal ControlNetTrainer(
        IHostEnvironment environment,
        TrainerColumns columns,
        DiffusionModel model,
        TrainingOptions options,
        GenerateComponentOptions generate)
        : base(environment, Columns(columns, model, generate)) =>
        (_columns, _model, _options, _generate) = (columns, model, options, generate);

    private protected override GenerateTransformer Create(IDataView input)
    {
        TrainingFolder.RequireUsable(_options.Folder);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_generate.CancellationToken);
        using var channel = Environment.Register(nameof(ControlNetTrainer)).Start("Fit");
        ConvergenceReading? last = null;
        var options = _options with { Progress = new Relay(Report) };
        var data = Path.Combine(_options.Folder, "data");
        ViewRows.Write(input, _columns, data, stop.Token);
        var result = ControlNetTraining.Run(_model, TrainingTable.Open(data), options, stop.Token);
        if (result.Warning is { } notice)
            channel.Warning(MessageSensitivity.None, "{0}", notice);
        var network = ControlNetwork.Load(result.Control, _model.Options with { Parts = ModelParts.All, Progress = null });
        return new GenerateTransformer(
            Environment, new GenerateStage(
                _columns.Output, _columns.Prompt, _model, [new ControlColumn(_columns.Condition, network)], _generate), [network]);

        // Also logs to mlContext.Log, and cancels the run if ML.NET's environment was cancelled.
        void Report(TrainingProgress progress)
        {
            _options.Progress?.Report(progress);
            if (progress.Warning is { } warning)
                channel.Warning(MessageSensitivity.None, "{0}", warning);
            if (progress.Convergence is { } reading && reading != last)
            {
                last = reading;
                channel.Info(
                    MessageSensitivity.None,
                    "Step {0}: loss {1:f4}, validation loss {2:f4}, with exchanged conditions {3:f4}, gap {4:p1}",
                    progress.Step,
                    progress.MeanLoss,
                    reading.Loss,
                    reading.ExchangedLoss,
                    reading.Gap);
            }

            if (MlNetAccess.IsCancelled(Environment))
                stop.Cancel();
        }
    }

    /// <summary>Passes progress on at once, on the calling thread.</summary>
    private sealed class Relay(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    /// <summary>
    /// The columns that training and the fitted transformer read: a missing one is an error now, not after hours of training.
    /// </summary>
    private static ComponentColumns Columns(TrainerColumns columns, DiffusionModel model, GenerateComponentOptions options) =>
        new GenerateStage(columns.Output, columns.Prompt, model, [], options).Columns.Reading(
            InputColumn.Image(columns.Image), InputColumn.Image(columns.Condition));
}

/// <summary>The columns of a trainer.</summary>
internal sealed record TrainerColumns(string Image, string Condition, string Prompt, string Output);
