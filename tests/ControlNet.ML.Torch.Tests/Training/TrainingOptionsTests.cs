using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

public sealed class TrainingOptionsTests
{
    private static TrainingOptions Sound => new() { Folder = "run" };

    [Fact]
    public void The_defaults_are_the_papers_and_sound()
    {
        Sound.Check();
        Assert.Equal((0.5, 1e-5, true, false, 1.0), (Sound.ProportionEmptyPrompts, Sound.LearningRate, Sound.SdLocked, Sound.OnlyMidControl, Sound.MaxGradNorm));
        Assert.Equal([16, 32, 96, 256], Sound.ConditioningEmbeddingOutChannels);
        Assert.Equal(20L << 30, Sound.MaxCacheBytes);
        Assert.True(Sound is { UseEmaWarmup: true, Cache: true, TensorBoard: true, RandomFlip: false, GradientCheckpointing: false });
    }

    [Fact]
    public void Values_at_the_ends_of_their_ranges_are_taken()
    {
        (Sound with
        {
            Steps = 1,
            BatchSize = 1,
            GradientAccumulationSteps = 1,
            LearningRate = double.Epsilon,
            LearningRateWarmupSteps = 0,
            MaxGradNorm = double.Epsilon,
            EmaDecay = 0,
            ProportionEmptyPrompts = 0,
            SnrGamma = double.Epsilon,
            ValidationRows = 0,
            ValidationSteps = 1,
            StopAtGap = double.Epsilon,
            SampleEvery = 0,
            Samples = 0,
            CheckpointingSteps = 1,
            CheckpointsTotalLimit = 1,
            MaxCacheBytes = 0,
        }).Check();
        (Sound with
        {
            BatchSize = 1024,
            GradientAccumulationSteps = 1024,
            MaxGradNorm = null,
            EmaDecay = Math.BitDecrement(1),
            ProportionEmptyPrompts = 1,
            SnrGamma = null,
            StopAtGap = null,
            InitialControl = "a",
            InitialBase = "b",
        }).Check();
    }

    [Fact]
    public void Values_outside_their_ranges_are_refused_by_name()
    {
        Refused(Sound with { Folder = "" }, "Folder is , expected");
        Refused(Sound with { Folder = null! }, "Folder is null, expected");
        Refused(Sound with { Steps = 0 }, "Steps");
        Refused(Sound with { BatchSize = 0 }, "BatchSize");
        Refused(Sound with { BatchSize = 1025 }, "BatchSize");
        Refused(Sound with { GradientAccumulationSteps = 0 }, "GradientAccumulationSteps");
        Refused(Sound with { GradientAccumulationSteps = 1025 }, "GradientAccumulationSteps");
        foreach (var rate in (double[])[0, -1, double.NaN, double.PositiveInfinity])
            Refused(Sound with { LearningRate = rate }, "LearningRate");
        Refused(Sound with { LearningRateScheduler = (LearningRateScheduler)9 }, "LearningRateScheduler is 9, expected one of Constant, Cosine.");
        Refused(Sound with { LearningRateWarmupSteps = -1 }, "LearningRateWarmupSteps");
        foreach (var none in (double[])[0, -1, double.NaN])
        {
            Refused(Sound with { MaxGradNorm = none }, "MaxGradNorm");
            Refused(Sound with { SnrGamma = none }, "SnrGamma");
            Refused(Sound with { StopAtGap = none }, "StopAtGap");
        }

        foreach (var decay in (double[])[-0.1, 1, double.NaN])
            Refused(Sound with { EmaDecay = decay }, "EmaDecay");
        foreach (var share in (double[])[-0.1, 1.1, double.NaN])
            Refused(Sound with { ProportionEmptyPrompts = share }, "ProportionEmptyPrompts");
        Refused(Sound with { Crop = (CropMode)9 }, "Crop");
        Refused(Sound with { Ablation = (Ablation)9 }, "Ablation");
        Refused(Sound with { InitialBase = "b" }, "InitialBase");
        Refused(Sound with { InitialControl = "a", Ablation = Ablation.Lite }, "Ablation");
        Refused(Sound with { ValidationRows = -1 }, "ValidationRows");
        Refused(Sound with { ValidationSteps = 0 }, "ValidationSteps");
        Refused(Sound with { SampleEvery = -1 }, "SampleEvery");
        Refused(Sound with { Samples = -1 }, "Samples");
        Refused(Sound with { CheckpointingSteps = 0 }, "CheckpointingSteps");
        Refused(Sound with { CheckpointsTotalLimit = 0 }, "CheckpointsTotalLimit");
        Refused(Sound with { MaxCacheBytes = -1 }, "MaxCacheBytes");
        Refused(Sound with { Optimizer = new() { Beta1 = 2 } }, "Optimizer.Beta1");
        Refused(Sound with { SampleOptions = new() { Steps = 0 } }, "SampleOptions: ");
        Refused(Sound with { PromptSyntax = (PromptSyntax)9 }, "PromptSyntax");
        Refused(Sound with { LongPrompts = (LongPrompts)9 }, "LongPrompts");
    }

    private static void Refused(TrainingOptions options, string name) =>
        Assert.StartsWith(name, Assert.Throws<ControlNetException>(options.Check).Message, StringComparison.Ordinal);
}
