using Spectre.Console;

namespace ControlNet.ML.Cli;

/// <summary>
/// Where results, messages and progress go. The only place that knows the console; tests bring their own writers. Whatever is written,
/// no control character of a file's content, a name or a prompt gets through.
/// </summary>
/// <param name="Output">Results: file names, tables, JSON.</param>
/// <param name="Error">Messages for people: errors, warnings.</param>
/// <param name="Live">Where live progress may be drawn, or null when nobody is watching.</param>
internal sealed record Terminal(TextWriter Output, TextWriter Error, IAnsiConsole? Live)
{
    /// <summary>Results of several lines, which the tool itself lays out: JSON, help.</summary>
    public TextWriter Output { get; } = new EscapingWriter(Output);

    /// <summary>Messages of several lines: help, a stack trace.</summary>
    public TextWriter Error { get; } = new EscapingWriter(Error);

    /// <summary>The process's own: progress on the error stream, and none of it when that is redirected.</summary>
    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        Console.IsErrorRedirected ? null : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <summary>A line of a result: a file's name, a row of a table.</summary>
    public void Result(string line = "") => Output.WriteLine(Message.Line(line));

    /// <summary>A message, one line.</summary>
    public void Say(string message) => Error.WriteLine(Message.Line(message));

    /// <summary>A warning, one line.</summary>
    public void Warn(string message) => Say($"warning: {message}");

    /// <summary>An error, one line.</summary>
    public void Fail(string message) => Say($"error: {message}");
}
