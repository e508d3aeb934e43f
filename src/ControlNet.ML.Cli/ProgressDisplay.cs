using Spectre.Console;

namespace ControlNet.ML.Cli;

/// <summary>Live progress with the time left, where somebody watches; nothing at all where not.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs work that reports how far it is, on another thread than the one that draws.</summary>
    /// <param name="terminal">Where it is drawn.</param>
    /// <param name="work">Gets a function that takes a title, what is done and what there is in all.</param>
    /// <param name="detail">What stands behind a title, asked whenever its progress is told; null for nothing.</param>
    public static Task RunAsync(Terminal terminal, Action<Action<string, double, double>> work, Func<string, string>? detail = null) =>
        RunAsync(terminal, show => Task.Run(() => work(show)), detail);

    /// <summary>Runs work that reports how far it is.</summary>
    /// <param name="terminal">Where it is drawn.</param>
    /// <param name="work">Gets a function that takes a title, what is done and what there is in all.</param>
    /// <param name="detail">What stands behind a title, asked whenever its progress is told; null for nothing.</param>
    public static async Task RunAsync(Terminal terminal, Func<Action<string, double, double>, Task> work, Func<string, string>? detail = null)
    {
        if (terminal.Live is not { } console)
        {
            await work((_, _, _) => { }).ConfigureAwait(false);
            return;
        }

        await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                Dictionary<string, ProgressTask> tasks = [];
                await work(Show).ConfigureAwait(false);

                void Show(string title, double done, double total)
                {
                    if (!tasks.TryGetValue(title, out var task))
                        tasks[title] = task = context.AddTask(Plain(title), maxValue: total);
                    if (detail is not null)
                        task.Description = Plain(title + detail(title));
                    task.Value = done;
                }
            }).ConfigureAwait(false);
    }

    /// <summary>A title as it stands: what Spectre would take for markup, and a terminal for a command, is escaped.</summary>
    private static string Plain(string title) => Markup.Escape(Message.Line(title));
}
