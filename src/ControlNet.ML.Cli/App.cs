using System.CommandLine;
using ControlNet.ML.Cli.Commands;

namespace ControlNet.ML.Cli;

/// <summary>The tool: its commands, and how it reports their failures.</summary>
internal static class App
{
    public const int Success = 0, Failed = 1, Misused = 2, SomeFailed = 3, Cancelled = 130;

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken = default)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
        var root = new RootCommand(
            "ControlNet for .NET: generates images from prompts and conditions. "
                + "Exit codes: 0 success, 1 failure, 2 invalid arguments, 3 some rows of a table failed, 130 cancelled.")
        {
            verbose,
            GenerateCommand.Create(terminal),
            ScoreCommand.Create(terminal),
            TrainCommand.Create(terminal),
            AnnotateCommand.Create(terminal),
            DrawCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            BenchCommand.Create(terminal),
            DoctorCommand.Create(terminal),
        };

        SubcommandHelp.Use(root);
        RuntimeVersions.Use(root, terminal);
        RenamedOptions.HideFromHelp(root);
        Onnx.RuntimeLog.IsSilent = true;

        // Without arguments the tool prints its help. A prompt may begin with @, so response files are disabled.
        var parsed = root.Parse(
            args.Length == 0 ? ["--help"] : args,
            new ParserConfiguration { ResponseFileTokenReplacer = null });
        RenamedOptions.Notify(parsed, terminal);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                terminal.Fail(error.Message);
            var command = parsed.CommandResult.Command;
            terminal.Say($"See 'controlnet {(command is RootCommand ? "" : $"{command.Name} ")}--help'.");
            return Misused;
        }

        try
        {
            // StopSignals handles signals: the parser's own handler would end the process in the middle of a step.
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.Output,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            terminal.Say("cancelled: nothing was left half-written.");
            return Cancelled;
        }
        catch (UsageException e)
        {
            terminal.Fail(e.Message);
            return Misused;
        }
        catch (Exception e)
        {
            terminal.Fail(Explain(e));
            if (parsed.GetValue(verbose))
                terminal.Error.WriteLine(e.ToString());
            return Failed;
        }
    }

    /// <summary>One line: our own messages unchanged, others with their type, since they were not written for users.</summary>
    private static string Explain(Exception e) => e switch
    {
        ControlNetException or ArgumentException => Message.Of(e),
        IOException or UnauthorizedAccessException => e.Message,
        OutOfMemoryException => "Not enough memory. A smaller --size or --precision bf16 needs less.",
        _ => $"{e.GetType().Name}: {e.Message.Split('\n', 2)[0].Trim()} (--verbose shows where)",
    };
}
