using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;
using ControlNet.ML.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>What a run computes and writes.</summary>
public sealed class TrainingRunTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    [Fact]
    public void The_condition_has_no_effect_before_the_first_step_and_the_network_can_be_used_after_the_last()
    {
        var options = tiny.Options("whole") with { LearningRate = 3e-2, SampleEvery = 6, Samples = 2, SampleOptions = new() { Steps = 2, Guidance = 1 }, TensorBoard = true };
        var result = ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var history = TrainingHistory.Read(options.Folder);
        Assert.Equal(Enumerable.Range(1, 6).Select(step => (long)step), history.Losses.Select(loss => loss.Step));
        Assert.Equal([0, 3, 6], history.Convergence.Select(reading => reading.Step));
        Assert.Equal(history.Convergence[0].Loss, history.Convergence[0].ExchangedLoss);
        Assert.NotEqual(0, history.Convergence[2].Gap);

        var sheet = ImageCodec.Load(Path.Combine(options.Folder, "samples", "step-000000006.png"));
        Assert.Equal((200, 132), (sheet.Width, sheet.Height));
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(options.Folder, "tensorboard"), "*", SearchOption.AllDirectories));

        // The result is the EMA; running again without remaining steps writes the same.
        using var network = ControlNetwork.Load(result.Control, new LoadOptions { Device = "cpu" });
        Assert.NotEmpty(tiny.Model.Generate("square", [new ControlInput(network, TinyRun.Images(0).Condition)], new() { Steps = 1, Width = 64, Height = 64 }).Image.Samples);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(options.Folder, "checkpoints", "step-000000006", "ema", "diffusion_pytorch_model.safetensors")),
            File.ReadAllBytes(Path.Combine(result.Control, "diffusion_pytorch_model.safetensors")));
        Assert.Equal(6, ControlNetTraining.Run(tiny.Model, tiny.Table, options).Steps);
    }

    [Fact]
    public void The_second_epoch_needs_no_encoder_and_a_damaged_entry_is_encoded_again()
    {
        // Two batches are loaded ahead, before what they share with the current one is cached.
        const int rows = 8, epoch = 4, ahead = 2;
        var table = TrainingTable.Open(tiny.WriteData("few", rows));
        var options = tiny.Options("cached") with { CacheFolder = null, Steps = 2 * epoch, EmaDecay = null, ValidationRows = 0 };
        List<long> runs = [];
        ControlNetTraining.Run(tiny.Model, table, options with { Progress = new ProgressCallback(p => runs.Add(p.EncoderRuns)) });
        Assert.True(runs.Take(epoch).Sum() >= rows);
        Assert.All(runs.Skip(epoch + ahead), count => Assert.Equal(0, count));

        foreach (var entry in Directory.EnumerateFiles(Path.Combine(options.Folder, "cache"), "*.bin", SearchOption.AllDirectories))
        {
            var bytes = File.ReadAllBytes(entry);
            bytes[^1] ^= 1;
            File.WriteAllBytes(entry, bytes);
        }

        var again = options with { Folder = tiny.File("cached-again"), CacheFolder = Path.Combine(options.Folder, "cache") };
        runs.Clear();
        ControlNetTraining.Run(tiny.Model, table, again with { Progress = new ProgressCallback(p => runs.Add(p.EncoderRuns)) });
        Assert.True(runs.Take(epoch).Sum() >= rows);
        Assert.Equal(TrainingHistory.Read(options.Folder).Losses, TrainingHistory.Read(again.Folder).Losses);
    }

    [Fact]
    public void A_full_cache_changes_only_the_duration()
    {
        var options = tiny.Options("bounded") with { Steps = 3 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, options);
        var none = options with { Folder = tiny.File("unbounded"), CacheFolder = tiny.File("tiny-cache"), MaxCacheBytes = 5000 };
        ControlNetTraining.Run(tiny.Model, tiny.Table, none);
        Assert.Equal(TrainingHistory.Read(options.Folder).Losses, TrainingHistory.Read(none.Folder).Losses);
        Assert.True(Directory.EnumerateFiles(tiny.File("tiny-cache"), "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) <= 5000);
    }

    [Fact]
    public void An_unlocked_decoder_is_written_as_a_unet()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" });
        var options = tiny.Options("unlocked") with { SdLocked = false, Steps = 3, GradientCheckpointing = true };
        ControlNetTraining.Run(model, tiny.Table, options);
        using var before = model.Folder.OpenWeights("unet");
        using var after = WeightSource.Open(Path.Combine(options.Folder, "unet"), NetworkKind.UNet);
        foreach (var (name, tensor) in before.Tensors)
        {
            var (old, now) = (new float[tensor.Count], new float[tensor.Count]);
            tensor.CopyTo(old);
            after.Tensors[name].CopyTo(now);
            var learns = name.StartsWith("up_blocks.", StringComparison.Ordinal) || name.StartsWith("conv_norm_out.", StringComparison.Ordinal) || name.StartsWith("conv_out.", StringComparison.Ordinal);
            Assert.True(old.AsSpan().SequenceEqual(now) != learns, name);
        }

        // The model in memory has its original weights, so the run can be resumed in the same process.
        ControlNetTraining.Run(model, tiny.Table, options with { Steps = 4 });
        Assert.Equal(4, TrainingHistory.Read(options.Folder).Losses.Count);
    }

    [Fact]
    public void Training_can_start_from_another_network_also_of_another_base()
    {
        var options = tiny.Options("from") with { Steps = 1, LearningRate = 1e-30, EmaDecay = null, InitialControl = Fixtures.Path("models", "sd1-control-a"), InitialBase = Fixtures.Path("models", "sd1") };
        var result = ControlNetTraining.Run(tiny.Model, tiny.Table, options with { Optimizer = new() { WeightDecay = 0 } });

        // The difference between a base and itself is zero.
        using var before = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a")).OpenWeights();
        using var after = ControlFolder.Open(result.Control).OpenWeights();
        foreach (var (name, tensor) in before.Tensors)
        {
            var (old, now) = (new float[tensor.Count], new float[tensor.Count]);
            tensor.CopyTo(old);
            after.Tensors[name].CopyTo(now);
            Assert.Equal(old, now);
        }
    }

    [Theory, InlineData("small"), InlineData("mid"), InlineData("small-plain-mid")]
    public void Training_can_start_from_a_network_with_fewer_attentions(string name)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "fewer", name), $"No networks in {Fixtures.Root}.");
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sdxl"), new LoadOptions { Device = "cpu" });
        var initial = Fixtures.Path("beyond", "fewer", name);
        var options = tiny.Options("from-" + name) with { CacheFolder = null, Steps = 2, EmaDecay = null, GradientCheckpointing = name == "mid", InitialControl = initial };

        var result = ControlNetTraining.Run(model, tiny.Table, options);

        using var before = ControlFolder.Open(initial).OpenWeights();
        using var after = ControlFolder.Open(result.Control).OpenWeights();
        Assert.Equal(ControlFolder.Open(initial).Config, ControlFolder.Open(result.Control).Config);
        Assert.Equal(before.Tensors.Keys.Order(StringComparer.Ordinal), after.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var tensor in before.Tensors.Values)
        {
            var (old, now) = (new float[tensor.Count], new float[tensor.Count]);
            tensor.CopyTo(old);
            after.Tensors[tensor.Name].CopyTo(now);
            Assert.True(!old.AsSpan().SequenceEqual(now), $"{tensor.Name} has not moved");
            Assert.All(now, value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void A_network_of_another_family_is_refused_before_anything_is_computed()
    {
        var options = tiny.Options("from-other") with { InitialControl = Fixtures.Path("models", "sdxl-control-a") };
        var error = Assert.Throws<ControlNetException>(() => ControlNetTraining.Run(tiny.Model, tiny.Table, options));
        Assert.Contains("of another family than the model", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("sdxl"), InlineData("sd2-v"), InlineData("sd1-lcm")]
    public void Every_family_of_base_models_can_be_trained_and_generated_with(string family)
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", family), new LoadOptions { Device = "cpu" });
        var options = tiny.Options("family-" + family) with { LearningRate = 3e-2, CacheFolder = null, Steps = 4, ValidationSteps = 4, SampleEvery = 4, Samples = 2, SampleOptions = new() { Steps = 1 } };
        var result = ControlNetTraining.Run(model, tiny.Table, options);

        var readings = TrainingHistory.Read(options.Folder).Convergence;
        Assert.Equal(readings[0].Loss, readings[0].ExchangedLoss);
        Assert.NotEqual(readings[^1].Loss, readings[^1].ExchangedLoss);
        Assert.True(File.Exists(Path.Combine(options.Folder, "samples", "step-000000004.png")));
        using var network = ControlNetwork.Load(result.Control, new LoadOptions { Device = "cpu" });
        Assert.Equal(model.Folder.UNet.CrossAttentionDim, ControlFolder.Open(result.Control).Config.CrossAttentionDim);
        var settings = new GenerateOptions { Steps = 2, Width = 64, Height = 64 };
        Assert.NotEqual(
            model.Generate("square", settings).Image.Samples.ToArray(),
            model.Generate("square", [new ControlInput(network, TinyRun.Images(0).Condition)], settings).Image.Samples.ToArray());
    }

    [Fact]
    public void In_bfloat16_the_masters_keep_what_rounding_would_lose()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu", Precision = Precision.BFloat16 });
        var options = tiny.Options("bf16") with { GradientAccumulationSteps = 2, LearningRate = 1e-5 };
        ControlNetTraining.Run(model, tiny.Table, options);
        var weights = new ReferenceTensors(Path.Combine(options.Folder, "checkpoints", "step-000000006", "diffusion_pytorch_model.safetensors"));
        Assert.Equal("F32", weights.Type("controlnet_mid_block.weight"));
        var moved = weights.Floats("controlnet_mid_block.weight");
        Assert.Contains(moved, value => value != 0 && BitConverter.SingleToInt32Bits(value) << 16 != 0);
    }

    [Fact]
    public void The_estimator_fits_rows_and_generates_images()
    {
        var ml = new MLContext();
        var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 10).Select(i => new TrainingImage
        {
            Photo = TinyRun.Images(i).Image.ToMLImage(),
            Condition = TinyRun.Images(i).Condition.ToMLImage(),
            Prompt = "square",
        }));
        var options = tiny.Options("view") with { Steps = 2, ValidationRows = 0 };
        var trainer = ml.Transforms.ControlNet().TrainControlNet(
            "Photo", "Condition", "Prompt", tiny.Model, options, generate: new() { Steps = 1, Guidance = 1, Width = 64, Height = 64 });
        var fitted = trainer.Fit(rows);
        var made = fitted.Transform(rows);
        Assert.Equal(10, made.GetColumn<MLImage>("Image").Count(image => image.Width == 64));
        Assert.All(made.GetColumn<string>("Error"), error => Assert.Equal("", error));
        ((IDisposable)fitted).Dispose();

        // Fitting again: no steps remain, and the rows are the same.
        ((IDisposable)trainer.Fit(rows)).Dispose();
        Assert.Equal(2, TrainingHistory.Read(options.Folder).Losses.Count);
    }

    [Fact]
    public void The_token_of_the_transformer_s_options_cancels_training()
    {
        var ml = new MLContext();
        using var source = new CancellationTokenSource();
        var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(i => new TrainingImage
        {
            Photo = TinyRun.Images(i).Image.ToMLImage(),
            Condition = TinyRun.Images(i).Condition.ToMLImage(),
            Prompt = "square",
        }));
        var options = tiny.Options("stopped-view") with { Steps = 1000, ValidationRows = 0, Progress = new Stopping(source) };
        var trainer = ml.Transforms.ControlNet().TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, options, generate: new() { CancellationToken = source.Token });
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(rows));
        Assert.InRange(TrainingHistory.Read(options.Folder).Losses.Count, 0, 10);
    }

    [Fact]
    public void Images_of_the_program_are_not_disposed_and_unreadable_ones_are_named()
    {
        var ml = new MLContext();
        var photos = Enumerable.Range(0, 2).Select(i => new TrainingImage { Photo = TinyRun.Images(i).Image.ToMLImage(), Condition = TinyRun.Images(i).Condition.ToMLImage(), Prompt = "square" }).ToArray();
        var options = tiny.Options("own-images") with { Steps = 1, ValidationRows = 0 };
        var stages = ml.Transforms.ControlNet();
        stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, options).Fit(ml.Data.LoadFromEnumerable(photos)).Dispose();
        Assert.All(photos, row => Assert.Equal((64, 64), (row.Photo!.Width, row.Condition!.Width)));

        photos[1].Condition!.Dispose();
        var error = Assert.Throws<ControlNetException>(() => stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, options).Fit(ml.Data.LoadFromEnumerable(photos)));
        Assert.StartsWith("Row 1: column 'Condition' cannot be read: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_rows_are_named()
    {
        var ml = new MLContext();
        var options = tiny.Options("bad-view");
        var stages = ml.Transforms.ControlNet();
        var different = ml.Data.LoadFromEnumerable(new[]
        {
            new TrainingImage { Photo = new ImageBuffer(64, 64, 3).ToMLImage(), Condition = new ImageBuffer(64, 32, 1).ToMLImage(), Prompt = "" },
        });
        var error = Assert.Throws<ControlNetException>(() => stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, options).Fit(different));
        Assert.Contains("Row 0: column 'Photo' is 64x64 and column 'Condition' 64x32", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => stages.TrainControlNet("Photo", "Nothing", "Prompt", tiny.Model, options).Fit(different));
        Assert.Throws<ControlNetException>(() => stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, options with { BatchSize = 0 }));

        // A column that only generation needs is missed before training, not after it.
        var unseen = tiny.Options("unseen");
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, unseen, generate: new() { SeedColumn = "Seed" }).Fit(different));
        Assert.Throws<ControlNetException>(() => stages.TrainControlNet("Photo", "Condition", "Prompt", tiny.Model, unseen, generate: new() { Scheduler = "nothing" }));
        Assert.False(Directory.Exists(unseen.Folder));
    }

    private sealed class Stopping(CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => source.Cancel();
    }

    private sealed class TrainingImage
    {
        [ImageType(64, 64)]
        public MLImage? Photo { get; set; }

        [ImageType(64, 64)]
        public MLImage? Condition { get; set; }

        public string Prompt { get; set; } = "";
    }
}
