using System.CommandLine;
using ControlNet.ML.Cli.Benchmarks;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet bench</c>: the figures of docs/performance.md on this machine. Each benchmark runs in a process of its own, so that its memory is its own.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var only = new Argument<string[]>("benchmark") { Description = $"Which: {string.Join(", ", BenchmarkCatalog.Names)}; nothing runs all.", Arity = ArgumentArity.ZeroOrMore };
        only.AcceptOnlyFromAmong([.. BenchmarkCatalog.Names]);
        var repeats = new Option<int>("--repeats") { Description = "Counted steps of the step benchmark; calls of an image operation, five times as many on small images.", DefaultValueFactory = _ => 5 };
        var inside = new Option<bool>("--in-process") { Hidden = true };
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command("bench", "Measure speed and memory on this machine.") { only, repeats, inside, json };
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(repeats) is < 1 or > 1000)
                throw new ControlNetException($"--repeats is {result.GetValue(repeats)}, expected 1 to 1,000.");
            var names = result.GetValue(only) is { Length: > 0 } some ? some : [.. BenchmarkCatalog.Names];
            if (result.GetValue(inside))
                Json.Print(terminal, BenchmarkCatalog.Run(names[0], result.GetValue(repeats), cancellationToken));
            else
                await BenchmarkRun.AllAsync(terminal, names, result.GetValue(repeats), result.GetValue(json), cancellationToken).ConfigureAwait(false);
            return App.Success;
        });
        return command;
    }
}
