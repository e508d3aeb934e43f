using System.CommandLine;
using ControlNet.ML.Cli.Training;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet train</c>: trains a control network on images, conditions and prompts.</summary>
internal static class TrainCommand
{
    /// <summary>What a plot reads in a run's folder, and must not overwrite.</summary>
    private static readonly string[] RunFiles = ["run.json", "log.jsonl"];

    public static Command Create(Terminal terminal)
    {
        var data = new Argument<string>("data")
        {
            Description = "Folder with images and metadata.jsonl or metadata.csv (columns file_name, conditioning_image, text), with "
                + "prompt.json (source, target, prompt), or with Parquet files (image, conditioning_image, text: images of bytes and path, "
                + "or file names).",
        };
        var model = new Option<string>("--model")
        {
            Description = "Base model: an embedded one, a folder in diffusers' layout, a single file (.safetensors, .ckpt), or owner/name "
                + "of one on the Hugging Face hub.",
            DefaultValueFactory = _ => "emoji"
        };
        var imageColumn = new Option<string?>("--image-column") { Description = "Column of the images; file_name or image by default." };
        var conditionColumn = new Option<string?>("--condition-column")
        {
            Description = "Column of the conditions; conditioning_image by default.",
        };
        var promptColumn = new Option<string?>("--prompt-column") { Description = "Column of the prompts; text by default." };
        var encoding = TextOptions.Encoding();
        var modelFile = new ModelOptions();
        var variant = ImageOptions.VariantOption();
        var precision = ImageOptions.TrainingPrecisionOption();
        var device = DeviceChoice.TorchOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON document at the end." };

        var command = new Command("train", "Train a control network; resumes an interrupted run.") { data };
        var options = new TrainOptions(command, model);
        Option[] others =
        [
            imageColumn, conditionColumn, promptColumn, encoding, .. modelFile.All, variant, precision, device, json,
        ];
        foreach (var option in others)
            command.Add(option);
        command.Add(PlotCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var training = options.Training(result);
            options.Seed(training.Folder, result).Report(terminal);
            var columns = result.GetValue(imageColumn) is null && result.GetValue(conditionColumn) is null
                && result.GetValue(promptColumn) is null
                ? null
                : new TrainingColumns
                {
                    Image = result.GetValue(imageColumn) ?? new TrainingColumns().Image,
                    Condition = result.GetValue(conditionColumn) ?? new TrainingColumns().Condition,
                    Prompt = result.GetValue(promptColumn) ?? new TrainingColumns().Prompt,
                };
            var load = modelFile.Complete(result, new LoadOptions
            {
                Variant = result.GetValue(variant),
                Precision = ImageOptions.PrecisionOf(result.GetValue(precision)!),
                Device = DeviceChoice.OfTorch(result.GetValue(device)),
            });
            TrainingTable Open(Action<string, double, double> show) => TrainingData.Open(
                result.GetValue(data)!, columns, TextOptions.EncodingOf(result.GetValue(encoding)), training.Folder, show,
                cancellationToken);
            return TrainRun.RunAsync(terminal, Open, result.GetValue(model)!, load, training, result.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static Command PlotCommand(Terminal terminal)
    {
        var runs = new Argument<string[]>("run")
        {
            Description = "Folder of a run; several runs are drawn together.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "SVG file to write, or a FOLDER/ for a file curves.svg; by default curves.svg in the first run's folder."
        };
        var command = new Command(
            "plot",
            "Plot validation losses with the right and with exchanged conditions. The gap between them opens when the network starts to "
                + "follow its condition.") { runs, output };
        command.SetAction(result =>
        {
            var folders = result.GetValue(runs)!;
            var file = OutputName.File(result.GetValue(output), Path.Combine(folders[0], "curves.svg"));
            if (!Path.GetExtension(file).Equals(".svg", StringComparison.OrdinalIgnoreCase))
                throw new UsageException(
                    $"--output {Message.Name(file)} has the ending {Message.Name(Path.GetExtension(file))}, expected .svg.");
            InputFiles.Keep(
                [file], folders.SelectMany(folder => RunFiles.Select(name => ((string?)Path.Combine(folder, name), "the run's"))));
            TrainingPlot.Write(
                file, [.. folders.Select(folder => (Path.GetFileName(Path.GetFullPath(folder)), TrainingHistory.Read(folder)))]);
            terminal.Result(file);
            return App.Success;
        });
        return command;
    }
}
