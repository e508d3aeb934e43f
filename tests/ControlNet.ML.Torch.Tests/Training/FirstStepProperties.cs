using ControlNet.ML.Torch.Training;
using FsCheck.Xunit;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>The consequences of zero convolutions for the first step (paper section 3.1).</summary>
public sealed class FirstStepProperties
{
    [Property(MaxTest = 8)]
    public void Only_zero_convolutions_move_in_the_first_step_and_the_base_never(byte row, byte timestep)
    {
        Assert.SkipUnless(Fixtures.Has("training", "initial.safetensors"), $"No training in {Fixtures.Root}.");
        using var bench = new TrainingBench();
        var locked = WeightFiles.Fingerprint(bench.UNet.parameters());
        var before = bench.Parameters.ToDictionary(p => p.Name, p => ControlGraph.Values(p.Master));
        var batch = TrainingBench.Pool([row % 16, (row + 1) % 16], [timestep, 999 - timestep]);
        bench.Graph.Backward(batch);
        using var optimizer = new AdamW(bench.Parameters, new AdamWOptions { WeightDecay = 0 });
        optimizer.Step(1e-3);
        foreach (var parameter in bench.Parameters)
        {
            var moved = !before[parameter.Name].AsSpan().SequenceEqual(ControlGraph.Values(parameter.Master));
            var isZeroConvolution = parameter.Name.StartsWith("controlnet_down_blocks.", StringComparison.Ordinal) || parameter.Name.StartsWith("controlnet_mid_block.", StringComparison.Ordinal);
            Assert.True(moved == isZeroConvolution, parameter.Name);
        }

        Assert.Equal(locked, WeightFiles.Fingerprint(bench.UNet.parameters()));
    }
}
