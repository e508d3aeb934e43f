using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>run.json of earlier versions, in which settings had other names.</summary>
public sealed class TrainingRecordTests : IDisposable
{
    /// <summary>Written by an earlier version; only the fingerprints are shortened.</summary>
    private const string Old = """
        {
          "Ablation": "None",
          "BatchSize": "2",
          "ConditioningEmbeddingOutChannels": "4, 4, 4, 4",
          "Crop": "Random",
          "EmaDecay": "0.9",
          "EmaWarmUp": "True",
          "Flip": "True",
          "GradientAccumulation": "2",
          "Height": "64",
          "InitialBase": "none",
          "InitialControl": "none",
          "LearningRate": "1E-05",
          "MaxGradientNorm": "1",
          "MinSnrGamma": "5",
          "OnlyMidControl": "False",
          "Optimizer": "AdamWOptions { Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1E-08, WeightDecay = 0.01 }",
          "Preprocess": "canny",
          "PreprocessOptions": "{\"Low\":100,\"High\":200,\"L2Gradient\":false,\"Aperture\":3}",
          "PromptDrop": "0.5",
          "Schedule": "Constant",
          "SdLocked": "True",
          "Seed": "0",
          "Steps": "any",
          "ValidationRows": "16",
          "WarmUpSteps": "2",
          "Width": "64",
          "data": "816c",
          "device": "torch cpu float32",
          "model": "1722 56e1"
        }
        """;

    private static readonly TrainingOptions Options = new()
    {
        Folder = "run",
        BatchSize = 2,
        GradientAccumulationSteps = 2,
        LearningRateWarmupSteps = 2,
        EmaDecay = 0.9,
        LongPrompts = LongPrompts.Truncate,
        SnrGamma = 5,
        RandomFlip = true,
        Crop = CropMode.Random,
        ConditioningEmbeddingOutChannels = [4, 4, 4, 4],
        Preprocess = "canny",
        PreprocessOptions = new CannyOptions(),
    };

    private readonly TemporaryFolder _folder = new();

    public TrainingRecordTests()
    {
        Directory.CreateDirectory(_folder.File("run"));
        File.WriteAllText(_folder.File("run", "run.json"), Old);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_of_an_earlier_version_is_resumed()
    {
        string[] later = ["LongPrompts", "PromptSyntax", "prediction"];
        Assert.Equal(Of(Options).Where(setting => !later.Contains(setting.Key)).ToDictionary(), TrainingRecord.Read(_folder.File("run", "run.json")));
        TrainingFolder.Open(_folder.File("run"), Of(Options)).Dispose();
    }

    [Fact]
    public void Differences_are_reported_by_current_names()
    {
        var error = Assert.Throws<ControlNetException>(() => TrainingFolder.Open(_folder.File("run"), Of(Options with { SnrGamma = null, LearningRateWarmupSteps = 3 })));
        Assert.Contains(": LearningRateWarmupSteps was 2 and is 3; SnrGamma was 5 and is none.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_cut_long_prompts_says_so()
    {
        var error = Assert.Throws<ControlNetException>(() => TrainingFolder.Open(
            _folder.File("run"), Of(Options with { LongPrompts = LongPrompts.Windows, PromptSyntax = PromptSyntax.Weighted })));
        Assert.Contains(": LongPrompts was Truncate and is Windows; PromptSyntax was Plain and is Weighted.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_not_resumed_with_another_prediction_type()
    {
        var error = Assert.Throws<ControlNetException>(() => TrainingFolder.Open(_folder.File("run"), Of(Options, PredictionType.Velocity)));
        Assert.Contains(": prediction was the model's own and is Velocity.", error.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Of(TrainingOptions options, PredictionType? prediction = null) =>
        TrainingRecord.Of(options, 64, 64, "816c", "1722 56e1", prediction, TorchDevice.From(new LoadOptions { Device = "cpu" }));
}
