using ControlNet.ML.Torch.Training;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>A run's folder and log, without a network.</summary>
public sealed class TrainingFolderTests : IDisposable
{
    private static readonly Dictionary<string, string> Record = new() { ["seed"] = "1", ["data"] = "é\"" };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_starts_in_a_new_folder_and_resumes_with_the_same_settings()
    {
        var path = _folder.File("run");
        Assert.False(TrainingFolder.IsRun(path));
        using (var run = TrainingFolder.Open(path, Record))
        {
            Assert.Equal((path, Path.Combine(path, "log.jsonl")), (run.Path, run.Log));
            Assert.Null(run.Newest());
        }

        Assert.True(TrainingFolder.IsRun(path));
        TrainingFolder.Open(path, Record).Dispose();
    }

    [Fact]
    public void A_run_with_other_settings_is_refused_and_they_are_named()
    {
        var path = _folder.File("run");
        TrainingFolder.Open(path, Record).Dispose();
        var error = Assert.Throws<ControlNetException>(() => TrainingFolder.Open(path, new Dictionary<string, string> { ["seed"] = "2", ["rate"] = "3" }));
        Assert.Contains("data was é\" and is missing; rate was missing and is 3; seed was 1 and is 2", error.Message, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(path, "run.json"), """{"seed": 3, "data": "é\""}""");
        Assert.Contains("seed was 3 and is 1", Assert.Throws<ControlNetException>(() => TrainingFolder.Open(path, Record)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(path, "run.json"), """{"seed": "1", "data": "é\""}""");

        // The failed calls released the lock.
        TrainingFolder.Open(path, Record).Dispose();
    }

    [Fact]
    public void One_process_at_a_time()
    {
        using var first = TrainingFolder.Open(_folder.File("run"), Record);
        Assert.Contains("another process is training", Assert.Throws<ControlNetException>(() => TrainingFolder.Open(_folder.File("run"), Record)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_other_files_is_refused()
    {
        Directory.CreateDirectory(_folder.File("run", "cache"));
        Directory.CreateDirectory(_folder.File("run", "data"));
        File.WriteAllText(_folder.File("run", "lock"), "");
        TrainingFolder.RequireUsable(_folder.File("run"));
        File.WriteAllText(_folder.File("run", "thesis.txt"), "");
        Assert.Contains("is not empty", Assert.Throws<ControlNetException>(() => TrainingFolder.RequireUsable(_folder.File("run"))).Message, StringComparison.Ordinal);
        Assert.Throws<ControlNetException>(() => TrainingFolder.Open(_folder.File("run"), Record));
        Assert.False(TrainingFolder.IsRun(_folder.File("run")));
        Assert.Contains("is a file", Assert.Throws<ControlNetException>(() => TrainingFolder.RequireUsable(_folder.File("run", "lock"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_newest_checkpoint_is_the_last_complete_one()
    {
        using var run = TrainingFolder.Open(_folder.File("run"), Record);
        Checkpoint("step-000000002");
        Checkpoint("step-000000010");
        Checkpoint("step-000000011.part");
        Directory.CreateDirectory(run.In("checkpoints", "step-000000012"));
        Assert.Equal(run.In("checkpoints", "step-000000010"), run.Newest());

        void Checkpoint(string name)
        {
            Directory.CreateDirectory(run.In("checkpoints", name));
            File.WriteAllText(run.In("checkpoints", name, "state.json"), "{}");
        }
    }

    [Fact]
    public void The_log_has_what_was_written_and_a_resumed_run_drops_what_follows_its_checkpoint()
    {
        using var run = TrainingFolder.Open(_folder.File("run"), Record);
        Write(run, 0, 1, 2, 3);
        File.AppendAllText(run.Log, "{\"step\": 4, \"lo");
        var history = TrainingHistory.Read(run.Path);
        Assert.Equal([(1, 0.5), (2, 1), (3, 1.5)], history.Losses);
        Assert.Equal([new(1, 10, 20), new(2, 10, 20), new(3, 10, 20)], history.Convergence);

        Write(run, 2, 3);
        Assert.Equal([1, 2, 3], TrainingHistory.Read(run.Path).Losses.Select(loss => loss.Step));
        Assert.Equal([1, 2, 3], TrainingHistory.Read(run.Path).Convergence.Select(reading => reading.Step));

        // Without a checkpoint the run starts over, with the validation before the first step.
        Write(run, 0, 0);
        Write(run, 0, 1);
        Assert.Equal([1], TrainingHistory.Read(run.Path).Convergence.Select(reading => reading.Step));
        Assert.Equal([(1, 0.5)], TrainingHistory.Read(run.Path).Losses);
        Assert.Throws<ControlNetException>(() => TrainingHistory.Read(_folder.Path));
    }

    [Fact]
    public void A_line_of_the_log_has_the_numbers_of_its_step_by_name()
    {
        using var run = TrainingFolder.Open(_folder.File("run"), Record);
        using (var log = new TrainingLog(run.Log, null, 0))
        {
            log.Write(new TrainingProgress { Step = 1, Steps = 9, Loss = 0.5, LearningRate = 0.25, GradientNorm = 2, Epoch = 0.125, Seconds = 3, EncoderRuns = 4, PeakBytes = 5 });
            log.Write(new ConvergenceReading(1, 2, 3));
            Assert.Null(log.Failure);
        }

        Assert.Equal(
            [
                """{"step":1,"loss":0.5,"learning_rate":0.25,"gradient_norm":2,"epoch":0.125,"seconds":3,"encoder_runs":4,"peak_bytes":5}""",
                """{"step":1,"validation_loss":2,"exchanged_loss":3,"gap":0.5}""",
            ],
            File.ReadAllLines(run.Log));
    }

    [Fact]
    public void A_log_of_an_earlier_version_keeps_its_learning_rates_when_the_run_is_resumed()
    {
        using var run = TrainingFolder.Open(_folder.File("run"), Record);
        File.WriteAllText(run.Log, """{"step":1,"loss":0.5,"rate":0.25,"gradient_norm":2}""" + "\n");
        new TrainingLog(run.Log, null, 1).Dispose();
        Assert.Equal(["""{"step":1,"loss":0.5,"learning_rate":0.25,"gradient_norm":2}"""], File.ReadAllLines(run.Log));
    }

    private static void Write(TrainingFolder run, long after, params long[] steps)
    {
        using var log = new TrainingLog(run.Log, null, after);
        foreach (var step in steps)
        {
            log.Write(new TrainingProgress { Step = step, Steps = 9, Loss = step / 2.0 });
            log.Write(new ConvergenceReading(step, 10, 20));
        }
    }
}
