using Spectre.Console;

namespace ControlNet.ML.Cli;

/// <summary>Where results, messages and progress go. The only place that knows the console; tests bring their own writers.</summary>
/// <param name="Output">Results: file names, tables, JSON.</param>
/// <param name="Error">Messages for people: errors, warnings.</param>
/// <param name="Live">Where live progress may be drawn, or null when nobody is watching.</param>
internal sealed record Terminal(TextWriter Output, TextWriter Error, IAnsiConsole? Live)
{
    /// <summary>The process's own: progress on the error stream, and none of it when that is redirected.</summary>
    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        Console.IsErrorRedirected ? null : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <summary>A warning, one line.</summary>
    public void Warn(string message) => Error.WriteLine($"warning: {message}");
}
