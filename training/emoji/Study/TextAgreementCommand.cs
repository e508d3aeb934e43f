using System.CommandLine;
using System.Text.Json;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.EmojiTraining.Study;

/// <summary><c>agreement</c>: measures how often images show what their prompts say.</summary>
internal static class TextAgreementCommand
{
    public static Command Create()
    {
        var zip = new Argument<string>("zip") { Description = "emoji-128.zip." };
        var data = new Option<string>("--held-out") { Description = "Data set of the prompts, written by 'scenes --held-out'.", Required = true };
        var features = new Option<string>("--features") { Description = "ONNX graph that extracts features, prepared as for ImageNet.", Required = true };
        var columns = new Option<string[]>("--column") { Description = "NAME=FOLDER: PNG images, one for each row, in the order of their names. Repeatable.", Required = true };
        var output = new Option<string>("--output") { Description = "JSON file to write.", Required = true };
        var command = new Command("agreement", "Measure how often images show what their prompts say.") { zip, data, features, columns, output };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                var prompts = Torch.Training.Data.TrainingTable.Open(result.GetValue(data)!).Rows.Select(row => row.Prompt).ToList();
                var methods = result.GetValue(columns)!.Select(column => (Name: Part(column, 0), Files: Images(Part(column, 1), prompts.Count))).ToList();
                using var extractor = ImageFeatureExtractor.Open(result.GetValue(features)!, cancellationToken: cancellationToken);
                var agreement = new TextAgreement(result.GetValue(zip)!, extractor, cancellationToken);
                var report = new AgreementReport(
                    extractor.Name, agreement.TrainingImages, agreement.Concepts,
                    methods.ToDictionary(method => method.Name, method => Share.Of(agreement.Measure(prompts, method.Files, cancellationToken))));
                AtomicFile.Write(result.GetValue(output)!, stream => JsonSerializer.Serialize(stream, report, JudgeCommand.Options));
                Console.WriteLine(result.GetValue(output));
                return 0;
            },
            cancellationToken));
        return command;
    }

    private static string Part(string column, int part) => column.Split('=', 2) is { Length: 2 } parts && parts.All(each => each.Length > 0)
        ? parts[part]
        : throw new ControlNetException($"--column is \"{column}\", expected NAME=FOLDER.");

    private static string[] Images(string folder, int count)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*.png").Order(StringComparer.Ordinal)] : [];
        return files.Length == count ? files : throw new ControlNetException($"{folder}: has {files.Length:N0} PNG images, expected {count:N0}, one for each row.");
    }
}

/// <summary>What 'agreement' writes.</summary>
/// <param name="Features">The extractor.</param>
/// <param name="TrainingImages">Number of images that the classifier was trained on.</param>
/// <param name="Concepts">Number of concepts that it knows.</param>
/// <param name="Methods">How often the images of each method are named as their prompts.</param>
internal sealed record AgreementReport(string Features, int TrainingImages, int Concepts, Dictionary<string, Share> Methods);

/// <summary>A share of images with its 95% bootstrap interval.</summary>
internal sealed record Share(double Value, double Low, double High, long Images)
{
    public static Share Of(ScoreMetrics metrics) => new(metrics.Mean, metrics.Interval.Low, metrics.Interval.High, metrics.Count);
}
