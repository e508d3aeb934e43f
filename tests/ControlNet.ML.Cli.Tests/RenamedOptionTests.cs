using System.CommandLine;
using ControlNet.ML.Cli.Commands;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Options that had other names: scripts that use these keep running, and say so.</summary>
public sealed class RenamedOptionTests : IDisposable
{
    private readonly Tool _tool = new();

    public static TheoryData<string, string, string> Renamed { get; } = new()
    {
        { "train", "--batch", "--batch-size" },
        { "train", "--accumulate", "--gradient-accumulation-steps" },
        { "train", "--rate", "--learning-rate" },
        { "train", "--schedule", "--lr-scheduler" },
        { "train", "--warm-up", "--lr-warmup-steps" },
        { "train", "--clip", "--max-grad-norm" },
        { "train", "--ema", "--ema-decay" },
        { "train", "--prompt-drop", "--proportion-empty-prompts" },
        { "train", "--min-snr", "--snr-gamma" },
        { "train", "--flip", "--random-flip" },
        { "train", "--only-mid", "--only-mid-control" },
        { "train", "--hint-channels", "--conditioning-embedding-out-channels" },
        { "train", "--validate-every", "--validation-steps" },
        { "train", "--checkpoint-every", "--checkpointing-steps" },
        { "train", "--keep", "--checkpoints-total-limit" },
        { "score", "--batch", "--batch-size" },
        { "score", "--out", "--output" },
        { "train", "--out", "--output" },
    };

    public void Dispose() => _tool.Dispose();

    [Theory, MemberData(nameof(Renamed))]
    public async Task A_former_name_is_taken_and_noticed_once(string command, string former, string name)
    {
        var (before, now) = (await Run(former), await Run(name));
        Assert.Equal($"{former} is now called {name}.{Environment.NewLine}{now.Error}", before.Error);
        Assert.Contains("missing.csv", now.Error, StringComparison.Ordinal);
        Assert.Equal((now.Code, now.Output), (before.Code, before.Output));

        Task<Answer> Run(string option) => _tool.RunAsync(
            option is "--out" or "--output" ? [command, "missing.csv", option, "run"] : [command, "missing.csv", "--output", "run", option, .. Value(option)]);
    }

    [Theory, MemberData(nameof(Renamed))]
    public async Task Only_the_present_name_is_in_the_help(string command, string former, string name)
    {
        var help = (await _tool.RunAsync(command, "--help")).Output;
        Assert.DoesNotContain($"{former} ", help.Replace(',', ' '), StringComparison.Ordinal);
        Assert.Contains($"{name} ", help, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_names_give_one_value_and_the_help_takes_neither_away()
    {
        var command = TrainCommand.Create(new Terminal(TextWriter.Null, TextWriter.Null, null));
        var root = new RootCommand { command };
        RenamedOptions.HideFromHelp(root);
        root.Parse(["train", "--help"]).Invoke(new InvocationConfiguration { Output = TextWriter.Null });
        var option = command.Options.Single(each => each.Name == "--learning-rate");
        foreach (var name in (string[])["--rate", "--learning-rate"])
            Assert.Equal(0.25, root.Parse(["train", "data", "--output", "run", name, "0.25"]).GetResult(option)!.GetValueOrDefault<double>());
    }

    [Fact]
    public async Task A_value_that_is_wrong_is_an_error_under_either_name()
    {
        var answer = await _tool.RunAsync("train", "data", "--output", "run", "--rate", "fast");
        Assert.Equal(App.Misused, answer.Code);
        Assert.StartsWith("--rate is now called --learning-rate.", answer.Error, StringComparison.Ordinal);
        Assert.Contains("fast", answer.Error, StringComparison.Ordinal);
    }

    /// <summary>A value that the option takes; flags take none.</summary>
    private static string[] Value(string option) => option switch
    {
        "--flip" or "--random-flip" or "--only-mid" or "--only-mid-control" => [],
        "--ema" or "--ema-decay" => ["0.5"],
        "--schedule" or "--lr-scheduler" => ["Cosine"],
        "--hint-channels" or "--conditioning-embedding-out-channels" => ["4", "8"],
        _ => ["1"],
    };
}
