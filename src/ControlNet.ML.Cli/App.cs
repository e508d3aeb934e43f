using System.CommandLine;
using ControlNet.ML.Cli.Commands;

namespace ControlNet.ML.Cli;

/// <summary>The tool: its commands, and how it reports their failures.</summary>
internal static class App
{
    /// <summary>Exit code: everything that was asked for is done.</summary>
    public const int Success = 0;

    /// <summary>Exit code: a file, a model or the machine stood in the way.</summary>
    public const int Failed = 1;

    /// <summary>Exit code: the command line is wrong, and would be on any machine.</summary>
    public const int Misused = 2;

    /// <summary>Exit code: done, except for some rows of a table or some of several images.</summary>
    public const int SomeFailed = 3;

    /// <summary>Exit code: stopped by Ctrl-C, SIGTERM or SIGUSR1.</summary>
    public const int Cancelled = 130;

    /// <summary>The commands by name, in the order of the help.</summary>
    private static readonly OrderedDictionary<string, Func<Terminal, Command>> Commands = new(StringComparer.Ordinal)
    {
        ["generate"] = GenerateCommand.Create,
        ["score"] = ScoreCommand.Create,
        ["evaluate"] = EvaluateCommand.Create,
        ["train"] = TrainCommand.Create,
        ["annotate"] = AnnotateCommand.Create,
        ["draw"] = DrawCommand.Create,
        ["compare"] = CompareCommand.Create,
        ["study"] = StudyCommand.Create,
        ["models"] = ModelsCommand.Create,
        ["convert"] = ConvertCommand.Create,
        ["export"] = ExportCommand.Create,
        ["transfer"] = TransferCommand.Create,
        ["download"] = DownloadCommand.Create,
        ["bench"] = BenchCommand.Create,
        ["doctor"] = DoctorCommand.Create,
    };

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken = default)
    {
        var parsed = Parse(args, terminal, out var verbose);
        Onnx.RuntimeLog.IsSilent = true;
        RenamedOptions.Notify(parsed, terminal);
        if (CommandLineErrors.Find(parsed, args) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
                terminal.Fail(error);
            var command = parsed.CommandResult.Command;
            terminal.Say($"See 'controlnet {(command is RootCommand ? "" : $"{CommandLineErrors.Path(command)} ")}--help'.");
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

    /// <summary>Parses a command line without running it.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="terminal">Where the command will write.</param>
    /// <param name="verbose">The option that shows stack traces.</param>
    internal static ParseResult Parse(string[] args, Terminal terminal, out Option<bool> verbose)
    {
        verbose = new Option<bool>("--verbose") { Description = "Show the stack trace of an error.", Recursive = true };
        var root = new RootCommand(
            "ControlNet for .NET: images from prompts and conditions. 'COMMAND --help' explains a command.\n"
                + "Exit codes: 0 done, 1 failed, 2 invalid arguments, 3 done except for some, 130 stopped.")
        {
            verbose,
        };

        // The options of all commands take longer to make than a small command runs: where one is named first, only its own are made.
        foreach (var (name, create) in Commands)
        {
            if (args.Length == 0 || args[0] == name || !Commands.ContainsKey(args[0]))
                root.Add(create(terminal));
        }

        HelpLayout.Use(root, terminal.Width);
        RuntimeVersions.Use(root, terminal);
        RenamedOptions.HideFromHelp(root);

        // Without arguments the tool prints its help. A prompt may begin with @, so response files are disabled.
        return root.Parse(
            args.Length == 0 ? ["--help"] : args,
            new ParserConfiguration { ResponseFileTokenReplacer = null });
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
