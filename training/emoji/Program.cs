using System.CommandLine;
using ControlNet.ML;
using ControlNet.ML.EmojiTraining;
using ControlNet.ML.EmojiTraining.Baselines;
using ControlNet.ML.EmojiTraining.Study;

// Makes the training and evaluation data of the embedded model's control networks, and evaluates the networks.
var root = new RootCommand("Make data for the embedded model's control networks, and evaluate them.") { ScenesCommand.Create(), BaselineCommand.Create(), JudgeCommand.Create(), ReportCommand.Create(), TextAgreementCommand.Create(), StudyCommand.Create(), ShipCommand.Create() };
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("cancelled: nothing was left half-written.");
    return 130;
}
catch (Exception error) when (error is ControlNetException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 1;
}
