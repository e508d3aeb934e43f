using System.CommandLine;
using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary><c>judge</c>: generates images from held-out conditions and measures how well they follow them.</summary>
internal static class JudgeCommand
{
    internal static JsonSerializerOptions Options { get; } = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Create()
    {
        var data = new Argument<string>("data") { Description = "Data set written by 'scenes --held-out'." };
        var condition = new Option<string>("--condition") { Description = "Condition of the data set.", Required = true };
        condition.AcceptOnlyFromAmong([.. SceneConditions.Names]);
        var control = new Option<string>("--control") { Description = "The network: a name, a folder or a file.", Required = true };
        var steps = new Option<int>("--steps") { Description = "Denoising steps.", DefaultValueFactory = _ => 20 };
        var guidance = new Option<double?>("--guidance") { Description = "Guidance scale; by default the model's own." };
        var seed = new Option<ulong>("--seed") { Description = "Seed of row 0; row N has N more." };
        var repeats = new Option<int>("--repeats") { Description = "Images per condition, with different seeds; more reduce the noise of the result.", DefaultValueFactory = _ => 1 };
        repeats.Validators.Add(value =>
        {
            if (value.GetValueOrDefault<int>() is var count && count is < 1 or > 100)
                value.AddError($"--repeats is {count}, expected 1 to 100.");
        });
        var sheet = new Option<string?>("--sheet") { Description = "PNG file to write: condition, result and scene of each row." };
        var output = new Option<string?>("--output") { Description = "JSON file to write the figures to; they are also printed." };
        var command = new Command("judge", "Measure how well a network follows its conditions.") { data, condition, control, steps, guidance, seed, repeats, sheet, output };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                var judge = new Judge(
                    result.GetValue(data)!, result.GetValue(condition)!, result.GetValue(control)!,
                    new GenerateOptions { Steps = result.GetValue(steps), Guidance = result.GetValue(guidance), Seed = result.GetValue(seed) },
                    result.GetValue(repeats));
                var judgement = judge.Run(cancellationToken);
                if (result.GetValue(sheet) is { } file)
                    ImageCodec.SavePng(file, ImageGrid.Compose([.. judgement.Images], columns: 6, gap: 4));
                var json = JsonSerializer.Serialize(judgement.Figures, Options);
                if (result.GetValue(output) is { } report)
                    File.WriteAllText(report, json + "\n");
                Console.WriteLine(json);
                return 0;
            },
            cancellationToken));
        return command;
    }
}
