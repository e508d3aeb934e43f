using System.CommandLine;
using System.Globalization;
using ControlNet.ML.Adapters;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet transfer</c>: moves a control network to another base model by difference.</summary>
internal static class TransferCommand
{
    public static Command Create(Terminal terminal)
    {
        var control = new Argument<string>("control") { Description = "Control network: a name, a folder or a file." };
        var from = new Option<string>("--from")
        {
            Description = "Base model that the network was trained on: a name or a folder in diffusers' layout.",
            Required = true,
            HelpName = "model",
        };
        var to = new Option<string>("--to")
        {
            Description = "Base model of the same family to move it to.",
            Required = true,
            HelpName = "model",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "New folder for the moved network.",
            Required = true,
            HelpName = "folder",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the folder's name." };
        var command = new Command(
            "transfer",
            "Move a control network to another base: control + target - base.")
        {
            control, from, to, output, json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var folder = result.GetValue(output)!;
            var moved = new ControlTransferResult([], []);
            await ProgressDisplay.RunAsync(terminal, show => moved = ControlTransfer.Run(
                result.GetValue(control)!,
                result.GetValue(from)!,
                result.GetValue(to)!,
                folder,
                new DirectProgress<double>(done => show("transferring", done, 1)),
                cancellationToken)).ConfigureAwait(false);
            if (result.GetValue(json))
                Json.Print(terminal, new { folder, moved = moved.Moved.Count, kept = moved.Kept.Count });
            else
                terminal.Result(folder);
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"{moved.Moved.Count:N0} tensors moved, {moved.Kept.Count:N0} kept."));
            return App.Success;
        });
        return command;
    }
}
