using System.Globalization;
using ControlNet.ML.Cli.Doctor;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Training;

/// <summary>One call of <c>train</c>: loads the model, trains, and shows progress.</summary>
internal static class TrainRun
{
    private const string Title = "training";

    public static async Task<int> RunAsync(
        Terminal terminal, Func<Action<string, double, double>, TrainingTable> open, string modelName, LoadOptions load,
        TrainingOptions options, bool json, CancellationToken cancellationToken)
    {
        TrainingResult? result = null;
        TrainingProgress? last = null;
        await ProgressDisplay.RunAsync(
            terminal,
            show =>
            {
                options.Check();
                var table = open(show);
                RuntimeCheck.Once(terminal, show, cancellationToken);
                show($"loading {modelName}", 0, 1);
                using var model = DiffusionModel.Load(
                    modelName,
                    load with { Preload = true, Progress = new DirectProgress<double>(done => show($"loading {modelName}", done, 1)) },
                    cancellationToken);
                var own = options with { Progress = new DirectProgress<TrainingProgress>(progress => Report(progress, show)) };
                result = ControlNetTraining.Run(model, table, own, cancellationToken);
            },
            title => title == Title && last is { } now ? Detail(now) : "").ConfigureAwait(false);

        if (result!.Warning is { } notice)
            terminal.Warn(notice);
        if (json)
            Json.Print(
                terminal,
                new
                {
                    result.Control,
                    result.Steps,
                    Loss = last?.MeanLoss,
                    Convergence = result.Convergence,
                    PeakBytes = last?.PeakBytes,
                });
        else
            terminal.Result(result.Control);
        return App.Success;

        void Report(TrainingProgress progress, Action<string, double, double> show)
        {
            last = progress;
            if (progress.Warning is { } warning)
                terminal.Warn(warning);
            show(Title, progress.Step, progress.Steps);
        }
    }

    /// <summary>Step, loss, validation gap, learning rate, time, memory.</summary>
    private static string Detail(TrainingProgress progress) => string.Create(
        CultureInfo.InvariantCulture,
        $"step {progress.Step:N0} of {progress.Steps:N0}, loss {progress.MeanLoss:f4}"
            + $"{(progress.Convergence is { } reading ? $", gap {reading.Gap * 100:f1} %" : "")}, "
            + $"learning rate {progress.LearningRate:g3}, {progress.Seconds:f2} s/step, {progress.PeakBytes / (double)(1 << 30):f1} GiB");
}
