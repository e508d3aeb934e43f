using ControlNet.ML.Torch.Training;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>Runs that are interrupted and resumed.</summary>
public sealed class TrainingResumeTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void A_cancelled_run_resumes_as_if_uninterrupted(int after)
    {
        // The first of these tests runs it; for the others no step remains.
        var options = tiny.Options("whole") with { GradientAccumulationSteps = 2, RandomFlip = true, LearningRateScheduler = LearningRateScheduler.Cosine, LearningRateWarmupSteps = 2 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var stopped = options with { Folder = tiny.File($"stopped-{after}") };
        using (var cancellation = new CancellationTokenSource())
        {
            var progress = new ProgressCallback(p =>
            {
                if (p.Step == after)
                    cancellation.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, stopped with { Progress = progress }, cancellation.Token));
        }

        ControlNetTraining.Run(tiny.Model, tiny.Table, stopped);
        Same(options.Folder, stopped.Folder);
    }

    [Fact]
    public async Task Cancellation_is_checked_between_the_batches_of_a_step_and_a_checkpoint_is_saved()
    {
        // A single step of many batches: waiting for its end would mean finishing the run.
        var options = tiny.Options("within-a-step") with { Steps = 1, GradientAccumulationSteps = 1024, BatchSize = 4 };
        using var cancellation = new CancellationTokenSource();
        var run = Task.Run(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options, cancellation.Token));
        while (!File.Exists(Path.Combine(options.Folder, "log.jsonl")) && !run.IsCompleted)
            await Task.Delay(20);
        cancellation.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => run);
        Assert.Equal("step-000000000", Path.GetFileName(Assert.Single(Directory.GetDirectories(Path.Combine(options.Folder, "checkpoints")))));
    }

    [Fact]
    public void Steps_after_the_last_checkpoint_are_repeated()
    {
        var options = tiny.Options("undisturbed");
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);

        // As after a crash: the last checkpoints missing or incomplete, the log ahead and cut off.
        var crashed = options with { Folder = tiny.File("crashed") };
        ControlNetTraining.Run(tiny.Model, tiny.Table, crashed);
        var checkpoints = Directory.EnumerateDirectories(Path.Combine(crashed.Folder, "checkpoints")).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(3, checkpoints.Count);
        Directory.Delete(checkpoints[^1], recursive: true);
        File.Delete(Path.Combine(checkpoints[^2], "state.json"));
        Directory.CreateDirectory(checkpoints[^1] + ".part");
        File.WriteAllText(Path.Combine(checkpoints[^1] + ".part", "config.json"), "{");
        File.AppendAllText(Path.Combine(crashed.Folder, "log.jsonl"), "{\"step\":7,\"loss\":");
        ControlNetTraining.Run(tiny.Model, tiny.Table, crashed);
        Same(options.Folder, crashed.Folder);
    }

    [Theory]
    [InlineData("state.json", "{\"step\": \"six\"}")]
    [InlineData("optimizer.safetensors", "no tensors")]
    public void A_damaged_checkpoint_names_the_one_before_it(string file, string content)
    {
        var options = tiny.Options($"damaged-{file}-{content.Length}") with { Steps = 2, CheckpointingSteps = 1 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var checkpoints = Directory.EnumerateDirectories(Path.Combine(options.Folder, "checkpoints")).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(2, checkpoints.Count);
        File.WriteAllText(Path.Combine(checkpoints[^1], file), content);

        var message = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options)).Message;
        Assert.StartsWith($"{checkpoints[^1]}: the last checkpoint is damaged: ", message, StringComparison.Ordinal);
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.Contains($"Delete it to resume from the one before it, {checkpoints[^2]}.", message, StringComparison.Ordinal);

        // Doing so resumes the run.
        Directory.Delete(checkpoints[^1], recursive: true);
        Assert.Equal(2, ControlNetTraining.Run(tiny.Model, tiny.Table, options).Steps);
        Directory.Delete(checkpoints[^2], recursive: true);
        File.WriteAllText(Path.Combine(checkpoints[^1], file), content);
        Assert.Contains("There is none before it", Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_place_of_a_checkpoint_is_not_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        var options = tiny.Options("linked") with { Steps = 2, CheckpointingSteps = 1 };
        var victim = Directory.CreateDirectory(tiny.File("victim")).FullName;
        File.WriteAllText(Path.Combine(victim, "state.json"), "mine");
        ControlNetTraining.Run(tiny.Model, tiny.Table, options with { Steps = 1 });
        var checkpoints = Path.Combine(options.Folder, "checkpoints");
        Directory.CreateSymbolicLink(Path.Combine(checkpoints, "step-000000002.part"), victim);
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        Assert.Equal("mine", File.ReadAllText(Assert.Single(Directory.GetFiles(victim))));
        Assert.Null(new FileInfo(Path.Combine(checkpoints, "step-000000002")).LinkTarget);
    }

    [Fact]
    public void A_run_with_a_constant_learning_rate_can_be_extended()
    {
        var options = tiny.Options("long");
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var inTwo = options with { Folder = tiny.File("longer") };
        ControlNetTraining.Run(tiny.Model, tiny.Table, inTwo with { Steps = 2 });
        ControlNetTraining.Run(tiny.Model, tiny.Table, inTwo);
        Same(options.Folder, inTwo.Folder, validations: false);
    }

    [Fact]
    public void Other_settings_are_refused_by_name()
    {
        var options = tiny.Options("settings") with { Steps = 1 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var error = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options with { LearningRate = 2e-3, ProportionEmptyPrompts = 0 }));
        Assert.Contains("LearningRate was 0.001 and is 0.002; ProportionEmptyPrompts was 0.5 and is 0", error.Message, StringComparison.Ordinal);

        var other = tiny.WriteData("other", 9);
        Assert.Contains("data was", Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, Torch.Training.Data.TrainingTable.Open(other), options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_other_files_is_left_alone()
    {
        var options = tiny.Options("home");
        Directory.CreateDirectory(options.Folder);
        File.WriteAllText(Path.Combine(options.Folder, "letter.txt"), "dear");
        var error = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options));
        Assert.Contains("is not empty and has no run.json", error.Message, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(options.Folder));
    }

    [Fact]
    public void Two_processes_cannot_train_in_one_folder()
    {
        var options = tiny.Options("held") with { Steps = 1 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        using var held = new FileStream(Path.Combine(options.Folder, "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Contains("another process", Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_does_not_end_the_run()
    {
        var options = tiny.Options("full");
        var checkpoints = Path.Combine(options.Folder, "checkpoints");
        List<string?> warnings = [];
        var progress = new ProgressCallback(p =>
        {
            warnings.Add(p.Warning);
            if (p.Step == 1)
                File.WriteAllText(checkpoints, "in the way");
            if (p.Step == 4)
                File.Delete(checkpoints);
        });
        ControlNetTraining.Run(tiny.Model, tiny.Table, options with { Progress = progress });
        Assert.Equal([false, true, false, true, false, false], warnings.Select(warning => warning is not null));
        Assert.Contains("training continues", warnings[1], StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateDirectories(checkpoints));
    }

    [Fact]
    public void An_image_that_becomes_unreadable_costs_no_steps()
    {
        var data = tiny.WriteData("breaking", 20);
        var options = tiny.Options("broken") with { CheckpointingSteps = 100, ValidationRows = 0 };
        var whole = options with { Folder = tiny.File("not-broken") };
        ControlNetTraining.Run(tiny.Model, Torch.Training.Data.TrainingTable.Open(data), whole);

        // The broken images are read at about step 5.
        var progress = new ProgressCallback(p =>
        {
            if (p.Step == 2)
                TinyRun.Break(data, true);
        });
        var error = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, Torch.Training.Data.TrainingTable.Open(data), options with { Progress = progress }));
        Assert.StartsWith("metadata.jsonl line ", error.Message, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(options.Folder, "checkpoints")));
        TinyRun.Break(data, false);
        ControlNetTraining.Run(tiny.Model, Torch.Training.Data.TrainingTable.Open(data), options);
        Same(whole.Folder, options.Folder);
    }

    [Fact]
    public void A_run_killed_before_its_first_checkpoint_starts_over()
    {
        var options = tiny.Options("begun");
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var died = options with { Folder = tiny.File("died") };
        ControlNetTraining.Run(tiny.Model, tiny.Table, died);
        Directory.Delete(Path.Combine(died.Folder, "checkpoints"), recursive: true);
        ControlNetTraining.Run(tiny.Model, tiny.Table, died);
        Same(options.Folder, died.Folder);
    }

    [Fact]
    public void A_sheet_that_cannot_be_written_does_not_end_the_run()
    {
        var options = tiny.Options("sheetless") with { Steps = 2, SampleEvery = 1, Samples = 1, SampleOptions = new() { Steps = 1, Guidance = 1 } };
        Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options with { SampleOptions = new() { Steps = 0 } }));
        List<string?> warnings = [];
        var progress = new ProgressCallback(p =>
        {
            warnings.Add(p.Warning);
            if (p.Step > 1)
                return;
            Directory.Delete(Path.Combine(options.Folder, "samples"), recursive: true);
            File.WriteAllText(Path.Combine(options.Folder, "samples"), "in the way");
        });
        ControlNetTraining.Run(tiny.Model, tiny.Table, options with { Progress = progress });
        Assert.Null(warnings[0]);
        Assert.Contains("the sample sheet could not be written, training continues", warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_the_run_and_names_its_rows()
    {
        var options = tiny.Options("lost") with { LearningRate = 1e30, CheckpointingSteps = 1 };
        var error = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options));
        Assert.Matches(@"^Step \d: the (loss|gradient) is ", error.Message);
        Assert.Contains("metadata.jsonl line ", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.EnumerateDirectories(Path.Combine(options.Folder, "checkpoints")));
        Assert.False(Directory.Exists(Path.Combine(options.Folder, "controlnet")));
    }

    /// <summary>Compares checkpoints, EMA, moments and the result byte for byte, and the losses of the logs.</summary>
    private static void Same(string expected, string actual, bool validations = true)
    {
        string[] files = [.. Directory.EnumerateFiles(expected, "*.safetensors", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(expected, file))];
        Assert.Contains(files, file => file.Contains("ema", StringComparison.Ordinal));
        Assert.Contains(files, file => file.Contains("optimizer", StringComparison.Ordinal));
        Assert.Contains(files, file => file.StartsWith("controlnet", StringComparison.Ordinal));
        foreach (var file in files.Where(file => file.StartsWith("controlnet", StringComparison.Ordinal) || file.Contains("step-000000006", StringComparison.Ordinal)))
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))), $"{file} differs");
        Assert.Equal(TrainingHistory.Read(expected).Losses, TrainingHistory.Read(actual).Losses);
        if (validations)
            Assert.Equal(TrainingHistory.Read(expected).Convergence, TrainingHistory.Read(actual).Convergence);
    }
}

/// <summary>Passes progress on at once, on the calling thread.</summary>
internal sealed class ProgressCallback(Action<TrainingProgress> report) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => report(value);
}
