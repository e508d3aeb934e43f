using Spectre.Console;

namespace ControlNet.ML.Cli;

/// <summary>Live progress with the remaining time in a terminal; where output is redirected, now and then a line.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs work that reports its progress, on a thread other than the drawing one.</summary>
    /// <param name="terminal">The terminal to draw on.</param>
    /// <param name="work">Receives the function to report with: title, amount done and total.</param>
    /// <param name="detail">Text to show after a title, evaluated when it is shown; empty for none.</param>
    public static Task RunAsync(Terminal terminal, Action<Action<string, double, double>> work, Func<string, string>? detail = null) =>
        RunAsync(terminal, show => Task.Run(() => work(show)), detail);

    /// <summary>Runs work that reports its progress.</summary>
    /// <param name="terminal">The terminal to draw on.</param>
    /// <param name="work">Receives the function to report with: title, amount done and total.</param>
    /// <param name="detail">Text to show after a title, evaluated when it is shown; empty for none.</param>
    public static async Task RunAsync(
        Terminal terminal, Func<Action<string, double, double>, Task> work, Func<string, string>? detail = null)
    {
        if (terminal.Live is not { } console)
        {
            await work(new ProgressLines(terminal, detail).Show).ConfigureAwait(false);
            return;
        }

        await console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn(),
                new SpinnerColumn())
            .StartAsync(async context =>
            {
                Dictionary<string, ProgressTask> tasks = [];
                await work(Show).ConfigureAwait(false);

                void Show(string title, double done, double total)
                {
                    if (!tasks.TryGetValue(title, out var task))
                        tasks[title] = task = context.AddTask(Plain(title), maxValue: total);
                    if (detail is not null)
                        task.Description = Plain(detail(title) is { Length: > 0 } text ? $"{title}: {text}" : title);
                    task.Value = done;
                }
            }).ConfigureAwait(false);
    }

    /// <summary>Escapes a title's Spectre markup and control characters.</summary>
    private static string Plain(string title) => Markup.Escape(Message.Line(title));
}
