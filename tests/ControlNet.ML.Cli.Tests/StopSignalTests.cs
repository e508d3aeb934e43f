using System.Diagnostics;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The tool as a separate process, stopped in the middle of a step that takes minutes.</summary>
public sealed class StopSignalTests
{
    [Fact, Trait("Category", "Long")]
    public async Task A_training_writes_its_checkpoint_however_long_its_step_takes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows sends no signals.");
        using var tool = new Tool();
        Directory.CreateDirectory("data");
        File.Copy(Tool.Photo, "data/0.png");
        File.WriteAllText("data/metadata.jsonl", "{\"file_name\": \"0.png\", \"text\": \"panda\"}\n");
        using var process = Start("train", "data", "--output", "run", "--model", "emoji", "--preprocess", "canny", "--steps", "2", "--gradient-accumulation-steps", "1024", "--batch-size", "16",
            "--width", "32", "--height", "32", "--conditioning-embedding-out-channels", "16", "32", "64", "128", "--sample-every", "0", "--validation-rows", "0");
        await Until(() => File.Exists("run/log.jsonl"), process);

        // As Slurm does: the notice ahead of the time limit, then, before the checkpoint is written, the signal at the limit.
        await Send("-USR1");
        string? line;
        do
            line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        while (line is not null && line != "stopping after the current operation, as SIGUSR1 asks.");
        await Send("-TERM");
        await process.WaitForExitAsync();

        Assert.NotNull(line);
        Assert.Equal(App.Cancelled, process.ExitCode);
        Assert.Single(Directory.GetDirectories("run/checkpoints"));

        async Task Send(string signal)
        {
            using var kill = Process.Start("kill", [signal, $"{process.Id}"]);
            await kill.WaitForExitAsync();
        }
    }

    private static Process Start(params string[] args) => Process.Start(new ProcessStartInfo("dotnet", [typeof(App).Assembly.Location, .. args])
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
        Environment = { ["OMP_NUM_THREADS"] = "1" },
    })!;

    private static async Task Until(Func<bool> reached, Process process)
    {
        while (!reached())
        {
            Assert.False(process.HasExited, process.HasExited ? await process.StandardError.ReadToEndAsync() : "");
            await Task.Delay(50);
        }
    }
}
