using System.CommandLine;
using ControlNet.ML.Cli.Doctor;

namespace ControlNet.ML.Cli.Commands;

/// <summary>
/// <c>controlnet doctor</c>: describes this machine and checks whether libtorch computes correctly on it. An issue report needs its output.
/// </summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command(
            "doctor",
            "Show this machine's libraries; check that they compute right.")
        {
            json,
        };
        command.SetAction((result, cancellationToken) => DoctorRun.RunAsync(terminal, result.GetValue(json), cancellationToken));
        return command;
    }
}
