using System.CommandLine;
using ControlNet.ML;
using ControlNet.ML.EmojiTraining;

// Makes the data that the embedded model's control networks are trained and judged on, and judges them.
var root = new RootCommand("Data for the embedded model's control networks, and their judgement.") { ScenesCommand.Create(), JudgeCommand.Create(), ReportCommand.Create(), ShipCommand.Create() };
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
