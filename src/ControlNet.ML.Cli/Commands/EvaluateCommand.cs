using System.CommandLine;
using ControlNet.ML.Cli.Evaluating;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet evaluate</c>: measures the images of a table. <see cref="EvaluateRun"/> does the work.</summary>
internal static class EvaluateCommand
{
    public static Command Create(Terminal terminal)
    {
        var kinds = new Option<string?>("--as")
        {
            Description = "What finds the condition in each image: a kind of 'annotate --list', or 'silhouette' for masks; several "
                + "networks' separated by commas. By default what made the conditions, or the one that the network's name contains.",
            HelpName = "kinds",
        };
        var annotators = new Option<string[]>("--annotator")
        {
            Description = "ONNX file of a learned --as. Repeatable, for several of them.",
            HelpName = "file",
        };
        var set = new Option<string[]>("--annotator-set")
        {
            Description = "NAME=VALUE: an option of --as, instead of --set's. Repeatable.",
            HelpName = "name=value",
        };
        var tolerance = new Option<double>("--tolerance")
        {
            Description = "Maximum distance in pixels between matching edge pixels.",
            HelpName = "pixels",
            DefaultValueFactory = _ => 2,
        };
        var noFidelity = new Option<bool>("--no-fidelity") { Description = "Do not compare images with their conditions." };
        var baseline = new Option<string?>("--baseline")
        {
            Description = "'none': also generate each row without control, with the same seed.",
        };
        baseline.AcceptOnlyFromAmong(EvaluationPlan.BaselineName);
        var columns = new Option<string[]>("--column")
        {
            Description = "NAME=FOLDER: also measure images made elsewhere, named as the rows' column 'id', their photos, or their "
                + "numbers. Repeatable.",
            HelpName = "name=folder",
        };
        var noGenerate = new Option<bool>("--no-generate") { Description = "Generate nothing: measure only the images of --column." };
        var real = new Option<string?>("--real")
        {
            Description = "Real images to compare the features of all images with: a folder, or a column of the table.",
            HelpName = "folder|column",
        };
        var features = new Option<string?>("--features")
        {
            Description = "ONNX graph that turns images into features (Inception, ResNet, CLIP), for FID, KID, precision, recall.",
            HelpName = "file",
        };
        var preparation = Preparation();
        var clip = new Option<string?>("--clip")
        {
            Description = "CLIP's image and text encoders as ONNX graphs, IMAGE.onnx,TEXT.onnx, for the CLIP score.",
            HelpName = "image,text",
        };
        var aesthetic = new Option<string?>("--aesthetic")
        {
            Description = "File of an aesthetic predictor on the embeddings of --clip's image encoder.",
            HelpName = "file",
        };
        var sheet = new Option<int>("--sheet")
        {
            Description = "Number of rows on the contact sheet, 0 for none.",
            HelpName = "rows",
            DefaultValueFactory = _ => 8,
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };

        var command = new Command("evaluate", "Measure an image of each row of a table; generates them first.");
        var options = new ScoreOptions(
            command,
            "A table as for 'score'. Also read are the columns id (names of images made elsewhere) and keypoints (files of people's "
                + "keypoints).",
            "The folder of the run and of the report: evaluation.md, .json, .csv (by image) and .png (a contact sheet). The same command "
                + "resumes it; it may be the folder of a finished 'score' with the same options.",
            kinds, annotators, set, tolerance, noFidelity, baseline, columns, noGenerate, real, features, preparation, clip, aesthetic,
            sheet);
        command.Add(json);
        command.Add(MergeCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var encoders = (result.GetValue(clip) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (encoders.Length > 2 || (result.GetValue(clip) is not null && encoders.Length == 0)
                || (encoders.Length == 1 && result.GetValue(aesthetic) is null))
                throw new UsageException(
                    $"--clip is {Message.Name(result.GetValue(clip)!)}, expected two files, IMAGE.onnx,TEXT.onnx; with --aesthetic the "
                        + "first is enough.");
            return new EvaluateRun(
                terminal,
                new EvaluateSettings
                {
                    Score = options.Settings(result, terminal),
                    Annotators = [.. (result.GetValue(kinds) ?? "")
                        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)],
                    AnnotatorFiles = result.GetValue(annotators) ?? [],
                    AnnotatorSettings = result.GetValue(set) ?? [],
                    Tolerance = result.GetValue(tolerance),
                    Fidelity = !result.GetValue(noFidelity),
                    Baseline = result.GetValue(baseline) is not null,
                    Columns = result.GetValue(columns) ?? [],
                    Generate = !result.GetValue(noGenerate),
                    Real = result.GetValue(real),
                    Features = result.GetValue(features),
                    Preparation = result.GetValue(preparation)!,
                    ClipImage = encoders.ElementAtOrDefault(0),
                    ClipText = encoders.ElementAtOrDefault(1),
                    Aesthetic = result.GetValue(aesthetic),
                    SheetRows = result.GetValue(sheet),
                },
                result.GetValue(json)).RunAsync(cancellationToken);
        });
        return command;
    }

    private static Command MergeCommand(Terminal terminal)
    {
        var folder = new Argument<string>("folder") { Description = "The --output folder of the shards." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("merge", "Check that all shards are measured, and report on all of them.") { folder, json };
        command.SetAction((result, cancellationToken) =>
            EvaluateRun.MergeAsync(terminal, result.GetValue(folder)!, result.GetValue(json), cancellationToken));
        return command;
    }

    /// <summary>How images are prepared for <c>--features</c>.</summary>
    public static Option<string> Preparation()
    {
        var preparation = new Option<string>("--features-as")
        {
            Description = "How images are prepared for --features.",
            DefaultValueFactory = _ => FeaturePreparation.ImageNet.Name,
        };
        preparation.AcceptOnlyFromAmong([.. FeaturePreparation.All.Select(each => each.Name)]);
        return preparation;
    }
}
