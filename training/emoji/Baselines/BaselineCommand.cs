using System.CommandLine;
using System.Globalization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary><c>baseline</c>: trains one of the paper's baselines on the base model and generates images from held-out conditions.</summary>
internal static class BaselineCommand
{
    private const string SketchGuided = "sketch-guided", Piti = "piti";

    /// <summary>The β of ControlNet's comparison.</summary>
    private static readonly double[] Betas = [1.6, 3.2];

    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "sketch-guided (two folders, β 1.6 and 3.2) or piti." };
        name.AcceptOnlyFromAmong(SketchGuided, Piti);
        var data = new Option<string>("--data") { Description = "Data set to train on, written by 'scenes'.", Required = true };
        var heldOut = new Option<string>("--held-out") { Description = "Data set whose conditions to draw, written by 'scenes --held-out'.", Required = true };
        var output = new Option<string>("--output") { Description = "Folder that gets a folder of images for each method, named as the scenes.", Required = true };
        var steps = new Option<int>("--steps") { Description = "Training steps of 16 rows.", DefaultValueFactory = _ => 2000 };
        var denoising = new Option<int>("--denoising-steps") { Description = "Denoising steps of an image.", DefaultValueFactory = _ => 20 };
        var guidance = new Option<double>("--guidance") { Description = "Guidance scale.", DefaultValueFactory = _ => 2 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the training, and of row 0's image; row N has N more." };
        foreach (var count in new[] { steps, denoising })
        {
            count.Validators.Add(value =>
            {
                if (value.GetValueOrDefault<int>() < 1)
                    value.AddError($"{count.Name} is {value.GetValueOrDefault<int>()}, expected 1 or more.");
            });
        }

        var command = new Command("baseline", "Train one of the paper's baselines and generate its images.") { name, data, heldOut, output, steps, denoising, guidance, seed };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                var request = new Request(result.GetValue(output)!, result.GetValue(steps), result.GetValue(denoising), result.GetValue(guidance), result.GetValue(seed));
                using var model = new FrozenBase(cancellationToken);
                var (train, test) = (new BaseScenes(model, result.GetValue(data)!), new BaseScenes(model, result.GetValue(heldOut)!));
                if (result.GetValue(name) == SketchGuided)
                    Sketch(model, train, test, request, cancellationToken);
                else
                    Tokens(model, train, test, request, cancellationToken);
                return 0;
            },
            cancellationToken));
        return command;
    }

    private static void Sketch(FrozenBase model, BaseScenes train, BaseScenes test, Request request, CancellationToken cancellationToken)
    {
        using var predictor = EdgePredictorTraining.Run(model, train, request.Steps, request.Seed, new Counter(), cancellationToken);
        foreach (var beta in Betas)
        {
            var sampling = new SketchGuidance(model, predictor, beta);
            Write(request, FormattableString.Invariant($"{SketchGuided}-{beta}"), test, Draw, cancellationToken);

            ImageBuffer Draw(int row) => model.Decode(sampling.Run(
                test.Text(row), test.ConditionLatents(row), model.Noise(request.Seed + (ulong)row, test.Condition(row).Height), request.DenoisingSteps, request.Guidance));
        }
    }

    private static void Tokens(FrozenBase model, BaseScenes train, BaseScenes test, Request request, CancellationToken cancellationToken)
    {
        using var encoder = new ConditionTokenTraining(model, train, request.Seed).Run(request.Steps, test.Condition(0).Height, new Counter(), cancellationToken);
        var sampling = new TokenSampling(model, encoder);
        Write(request, Piti, test, Draw, cancellationToken);

        ImageBuffer Draw(int row) => model.Decode(sampling.Run(
            test.Condition(row), model.Noise(request.Seed + (ulong)row, test.Condition(row).Height), request.DenoisingSteps, request.Guidance));
    }

    /// <summary>Writes a folder of images under a temporary name, then renames it.</summary>
    private static void Write(Request request, string name, BaseScenes scenes, Func<int, ImageBuffer> draw, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(request.Output, name);
        if (Path.Exists(folder))
            throw new ControlNetException($"{folder}: exists, expected a new folder.");
        var part = folder + ".part";
        Directory.CreateDirectory(part);
        for (var row = 0; row < scenes.Count; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ImageCodec.SavePng(Path.Combine(part, scenes.FileName(row)), draw(row));
        }

        Directory.Move(part, folder);
        Console.WriteLine(folder);
    }

    private sealed record Request(string Output, int Steps, int DenoisingSteps, double Guidance, ulong Seed);

    /// <summary>Prints the mean loss of each tenth of the training.</summary>
    private sealed class Counter : IProgress<TrainedStep>
    {
        private double _sum;
        private int _count;

        public void Report(TrainedStep value)
        {
            (_sum, _count) = (_sum + value.Loss, _count + 1);
            if (value.Step % Math.Max(value.Steps / 10, 1) != 0)
                return;
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {value.Step:N0} of {value.Steps:N0}, loss {_sum / _count:f4}"));
            (_sum, _count) = (0, 0);
        }
    }
}
