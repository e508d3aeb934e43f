using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>That a run follows its options, checked in its log and files.</summary>
public sealed class TrainingStepTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    /// <summary>The parameters that the first step changes; they start at zero.</summary>
    private const string ZeroConvolution = "controlnet_mid_block.weight";

    [Theory]
    [InlineData("sd1", null)]
    [InlineData("sd1", 0.5)]
    [InlineData("sd2-v", null)]
    [InlineData("sd2-v", 0.5)]
    public void The_first_loss_is_that_of_the_base_models_prediction(string family, double? gamma)
    {
        // Before the first step the loss follows from the generating networks and the formulas alone.
        using var model = DiffusionModel.Load(Fixtures.Path("models", family), new LoadOptions { Device = "cpu" });
        var options = Options($"first-{family}-{gamma}") with { Steps = 1, BatchSize = 4, SnrGamma = gamma };
        var found = Assert.Single(Run(options, model)).Loss;

        TorchSharp.torch.Tensor[] parts;
        int[] timesteps;
        using var scope = TorchSharp.torch.NewDisposeScope();
        using (var setup = TrainingSetup.Create(model, tiny.Table, options with { Folder = options.Folder + "-again" }))
        using (var loader = new BatchLoader(setup.Table, setup.Reader, setup.Encoder, options, 1000, 0))
        {
            var batch = setup.Assembler.Assemble(loader.Next());
            (parts, timesteps) = ([batch.Latents, batch.Noise, batch.Text.Text.Hidden], batch.Timesteps);
        }

        var schedule = NoiseSchedule.Create(model.Scheduler);
        var losses = timesteps.Select((timestep, row) =>
        {
            var (latents, noise, text) = (Row(parts[0], row), Row(parts[1], row), Row(parts[2], row));
            var noisy = TensorData.Zeros(latents.Shape);
            schedule.AddNoise(latents.Values, noise.Values, timestep, noisy.Values);
            var prediction = TensorData.Zeros(latents.Shape);
            using (var denoiser = model.Backend.CreateDenoiser(new DenoiserInputs { Text = text }))
                denoiser.Predict(noisy, timestep, [], prediction);

            double alphaBar = schedule.AlphasCumprod[timestep];
            var isVelocity = family == "sd2-v";
            var loss = prediction.Values.Select((predicted, i) => Math.Pow(predicted - (isVelocity
                ? (Math.Sqrt(alphaBar) * noise.Values[i]) - (Math.Sqrt(1 - alphaBar) * latents.Values[i])
                : noise.Values[i]), 2)).Average();
            var snr = alphaBar / (1 - alphaBar);
            return loss * (gamma is { } most ? Math.Min(snr, most) / (isVelocity ? snr + 1 : snr) : 1);
        });
        CheckRows.Relative(losses.Average(), found, "loss", 1e-5);

        static TensorData Row(TorchSharp.torch.Tensor all, int row) => all.narrow(0, row, 1).contiguous().ToData();
    }

    [Fact]
    public void Accumulated_batches_are_equivalent_to_one_large_batch()
    {
        var together = Run(Options("together") with { Steps = 3, BatchSize = 4 });
        var accumulated = Run(Options("accumulated") with { Steps = 3, BatchSize = 1, GradientAccumulationSteps = 4 });
        foreach (var (expected, actual) in together.Zip(accumulated))
        {
            CheckRows.Relative(expected.Loss, actual.Loss, "loss", 1e-4);
            CheckRows.Relative(expected.GradientNorm, actual.GradientNorm, "gradient norm", 1e-3);
        }
    }

    [Fact]
    public void Large_gradients_are_clipped()
    {
        // AdamW changes a weight by about the learning rate whatever the gradient, unless it is so small that ε = 1e-8 dominates.
        var options = Options("unclipped") with { Steps = 1, MaxGradNorm = null };
        Run(options);
        Assert.Contains(Weights(options, 1), weight => Math.Abs(weight) > options.LearningRate / 2);
        options = Options("clipped") with { Steps = 1, MaxGradNorm = 1e-12 };
        Run(options);
        Assert.All(Weights(options, 1), weight => Assert.InRange(weight, -1e-3 * options.LearningRate, 1e-3 * options.LearningRate));
    }

    [Fact]
    public void The_learning_rate_rises_linearly_and_falls_along_a_cosine()
    {
        // 0 and a half times 1e-3, then (1 + cos(π k / 4)) / 2 times it.
        var options = Options("rates") with { Steps = 6, LearningRate = 1e-3, LearningRateWarmupSteps = 2, LearningRateScheduler = LearningRateScheduler.Cosine };
        Close.Absolute([0, 0.5e-3, 1e-3, 0.8535534e-3, 0.5e-3, 0.1464466e-3], Run(options).Select(step => step.LearningRate).ToArray(), 1e-10, "rate");
        Assert.All(Run(Options("rate") with { Steps = 2, LearningRate = 3e-4 }), step => Assert.Equal(3e-4, step.LearningRate));
    }

    [Theory]
    [InlineData(false, 0.75, 0.75)]
    [InlineData(true, 0, 2 / 11.0)]
    public void The_EMA_decays_at_each_step_and_is_the_result(bool warmsUp, double first, double second)
    {
        var options = Options($"average-{warmsUp}") with { Steps = 2, CheckpointingSteps = 1, EmaDecay = 0.75, UseEmaWarmup = warmsUp };
        Run(options);
        var (one, two) = (Weights(options, 1), Weights(options, 2));
        var expected = one.Zip(two, (a, b) => (second * (1 - first) * a) + ((1 - second) * b)).ToArray();
        Assert.NotEqual(one, two);
        Close.Absolute(expected, Weights(options, 2, "ema"), 1e-8, "average");
        Close.Absolute(expected, new ReferenceTensors(Path.Combine(options.Folder, "controlnet", "diffusion_pytorch_model.safetensors")).Doubles(ZeroConvolution), 1e-8, "result");
    }

    [Theory]
    [InlineData(false, CropMode.Centre, 1, 1)]
    [InlineData(true, CropMode.Centre, 2, 2)]
    [InlineData(false, CropMode.Random, 8, 33)]
    public void Rows_are_flipped_and_cropped_as_the_options_say(bool flip, CropMode crop, int least, int most)
    {
        // A crop of 64 by 32 from 64 by 64 pixels has 33 positions.
        var options = Options($"read-{flip}-{crop}") with { Height = 32, RandomFlip = flip, Crop = crop };
        using var setup = TrainingSetup.Create(tiny.Model, tiny.Table, options);
        var images = Enumerable.Range(0, 30).Select(i => setup.Reader.Read(setup.Table.Rows[1], new SampleDraws((ulong)i, 0, 10)).Image.Samples);
        Assert.InRange(images.Select(Convert.ToHexString).Distinct().Count(), least, most);
    }

    private TrainingOptions Options(string name) => tiny.Options(name) with
    {
        ValidationRows = 0,
        EmaDecay = null,
        CheckpointingSteps = 100,
        Optimizer = new() { WeightDecay = 0 },
    };

    private List<TrainingProgress> Run(TrainingOptions options, DiffusionModel? model = null)
    {
        List<TrainingProgress> steps = [];
        ControlNetTraining.Run(model ?? tiny.Model, tiny.Table, options with { Progress = new ProgressCallback(steps.Add) });
        return steps;
    }

    private static double[] Weights(TrainingOptions options, int step, string part = "") =>
        new ReferenceTensors(Path.Combine(options.Folder, "checkpoints", $"step-{step:D9}", part, "diffusion_pytorch_model.safetensors")).Doubles(ZeroConvolution);
}
