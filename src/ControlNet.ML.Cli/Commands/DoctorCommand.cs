using System.CommandLine;
using ControlNet.ML.Cli.Doctor;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet doctor</c>: what this machine is, and whether libtorch computes rightly on it. Its output is what an issue report needs.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command("doctor", "Show what this machine computes with, and check that it computes rightly. Add its output to an issue report.") { json };
        command.SetAction((result, cancellationToken) => DoctorRun.RunAsync(terminal, result.GetValue(json), cancellationToken));
        return command;
    }
}
