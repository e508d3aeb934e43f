using Spectre.Console;

namespace ControlNet.ML.Cli;

/// <summary>
/// Where results, messages and progress go. The only place that knows the console; tests pass their own writers. All output is escaped, so
/// that control characters in a file, a name or a prompt never reach the terminal.
/// </summary>
/// <param name="Output">Results: file names, tables, JSON.</param>
/// <param name="Error">Messages for people: errors, warnings.</param>
/// <param name="Live">The console for live progress, or null if output is redirected.</param>
internal sealed record Terminal(TextWriter Output, TextWriter Error, IAnsiConsole? Live)
{
    private const int DefaultWidth = 100, LeastWidth = 60, MostWidth = 140;

    /// <summary>The length of a line of help, in characters.</summary>
    public int Width { get; init; } = DefaultWidth;

    /// <summary>The clock by which progress is reported.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Results of several lines, formatted by the tool itself: JSON, help.</summary>
    public TextWriter Output { get; } = new EscapingWriter(Output);

    /// <summary>Messages of several lines: help, a stack trace.</summary>
    public TextWriter Error { get; } = new EscapingWriter(Error);

    /// <summary>The process's console, with progress on the error stream unless it is redirected.</summary>
    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        Console.IsErrorRedirected ? null : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }))
    {
        // A terminal without a size reports 0 columns.
        Width = Console.IsOutputRedirected || Console.WindowWidth <= 0
            ? DefaultWidth
            : Math.Clamp(Console.WindowWidth, LeastWidth, MostWidth),
    };

    /// <summary>The same terminal without results: for a part of a command whose results are not the command's.</summary>
    public Terminal WithoutResults() => new(TextWriter.Null, Error, Live) { Width = Width, Clock = Clock };

    /// <summary>Writes one line of a result: a file name, a row of a table.</summary>
    public void Result(string line = "") => Output.WriteLine(Message.Line(line));

    /// <summary>Writes a message on one line.</summary>
    public void Say(string message) => Error.WriteLine(Message.Line(message));

    /// <summary>Writes a warning on one line.</summary>
    public void Warn(string message) => Say($"warning: {message}");

    /// <summary>Writes an error on one line.</summary>
    public void Fail(string message) => Say($"error: {message}");
}
