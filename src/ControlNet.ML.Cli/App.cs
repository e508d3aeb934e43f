using System.CommandLine;
using ControlNet.ML.Cli.Commands;

namespace ControlNet.ML.Cli;

/// <summary>The tool: commands, and how their failures are told.</summary>
internal static class App
{
    public const int Success = 0, Failed = 1, Misused = 2, SomeFailed = 3, Cancelled = 130;

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken = default)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
        var root = new RootCommand("Images from prompts and conditions: ControlNet for .NET. Exit codes: 0 done, 1 failed, 2 arguments that cannot be read or do not go together, 3 some rows of a table failed, 130 cancelled.")
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
        RenamedOptions.HideFromHelp(root);
        Onnx.RuntimeLog.IsSilent = true;

        // Who says nothing wants to know what can be said. A prompt may begin with @ and names no file then.
        var parsed = root.Parse(
            args.Length == 0 ? ["--help"] : args,
            new ParserConfiguration { ResponseFileTokenReplacer = null });
        RenamedOptions.Notify(parsed, terminal);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                terminal.Fail(error.Message);
            terminal.Say($"'controlnet {string.Join(' ', parsed.CommandResult.Command is RootCommand ? [] : new[] { parsed.CommandResult.Command.Name, "" })}--help' says what there is.");
            return Misused;
        }

        try
        {
            // Signals are StopSignals': the parser's own would end the process while a step is under way.
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

    /// <summary>One line: our own errors as they stand, others with their kind, since nobody wrote them for users.</summary>
    private static string Explain(Exception e) => e switch
    {
        ControlNetException or ArgumentException => Message.Of(e),
        IOException or UnauthorizedAccessException => e.Message,
        OutOfMemoryException => "The memory does not suffice. A smaller --size, or --precision bf16, needs less.",
        _ => $"{e.GetType().Name}: {e.Message.Split('\n', 2)[0].Trim()} (--verbose shows where)",
    };
}
