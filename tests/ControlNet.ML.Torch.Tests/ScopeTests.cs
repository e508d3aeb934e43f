using ControlNet.ML.Torch.Tests.Training;
using ControlNet.ML.Torch.Training;
using TorchSharp;

namespace ControlNet.ML.Torch.Tests;

/// <summary>
/// Tensors belong to scopes: then they go when the scope ends, and not before, as one that only the collector knows of might while libtorch
/// still reads it.
/// </summary>
public sealed class ScopeTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    [Theory, InlineData(Precision.Float32), InlineData(Precision.BFloat16)]
    public void More_steps_of_training_make_no_more_tensors_outside_of_scopes(Precision precision)
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu", Precision = precision, Preload = true });
        Assert.Equal(Train(2), Train(4));

        long Train(int steps) => Outside(() => ControlNetTraining.Run(
            model, tiny.Table, tiny.Options($"scopes-{precision}-{steps}") with { Steps = steps, GradientAccumulationSteps = 2, ValidationSteps = 100, CheckpointingSteps = 100 }));
    }

    [Fact]
    public void More_steps_of_denoising_make_no_more_tensors_outside_of_scopes()
    {
        using var network = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });
        Draw(2); // Reads the weights, if no other test has.
        Assert.Equal(Draw(2), Draw(6));

        long Draw(int steps) => Outside(() => tiny.Model.Generate(
            "square", [new ControlInput(network, TinyRun.Images(0).Condition)], new GenerateOptions { Steps = steps, Width = 64, Height = 64 }));
    }

    private static long Outside(Action work)
    {
        var before = DisposeScopeManager.Statistics.CreatedOutsideScopeCount;
        work();
        return DisposeScopeManager.Statistics.CreatedOutsideScopeCount - before;
    }
}
