using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// One step of training a full-size control network for Stable Diffusion 1.5, random weights: the whole step, and beside it the forward and
/// backward passes of the same graph alone, in turn.
/// </summary>
internal static class TrainingBenchmark
{
    /// <param name="recompute">Whether the decoder is computed again rather than remembered.</param>
    /// <param name="repeats">Counted steps; medians are reported, after one that is not counted.</param>
    /// <param name="side">Side of the picture, pixels.</param>
    /// <param name="cancellationToken">Seen between steps.</param>
    public static TrainingBenchmarkResult Run(bool recompute, int repeats, int side, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(new LoadOptions { Device = "cpu" });
        using var unet = RandomWeights.Fill(Unset.On(device.Type, device.Device, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15)));
        using var control = TrainedNetwork.FromUNet(ControlNetConfig.StableDiffusion15, unet, device, seed: 0);
        using var objective = new DenoisingObjective(new NoiseSchedule(Betas.Create("scaled_linear", 1000, 0.00085, 0.012)), PredictionType.Epsilon, null, device.Device);
        using var state = new TrainingState(ControlNetConfig.StableDiffusion15, control, unet, new TrainingOptions { Folder = "none" });
        var graph = new ControlGraph(unet, control, objective, recompute: recompute);
        using var scope = NewDisposeScope();
        var batch = new TrainingBatch(
            randn(1, 4, side / 8, side / 8), randn(1, 4, side / 8, side / 8), [500], rand(1, 3, side, side), new UNetInputs(zeros(0), randn(1, 77, 768)));

        Step();
        List<double> steps = [], passes = [];
        for (var i = 0; i < repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            steps.Add(Timing.Of(Step));
            passes.Add(Timing.Of(() => graph.Backward(batch)));
        }

        return new TrainingBenchmarkResult(device.ToString(), side, repeats, Timing.Median(steps), Timing.Median(passes), Timing.Median([.. steps.Zip(passes, (a, b) => a / b)]), ProcessMemory.Peak());

        void Step()
        {
            using var own = NewDisposeScope();
            foreach (var parameter in state.All)
                parameter.Clear();
            graph.Backward(batch);
            GradientNorm.Clip(state.All, 1);
            state.Optimizer.Step(1e-5);
        }
    }
}

/// <summary>What was measured.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Side">Side of the picture, pixels.</param>
/// <param name="Repeats">Counted steps.</param>
/// <param name="StepSeconds">Median time of a step: passes, gradient norm, AdamW.</param>
/// <param name="PassSeconds">Median time of the forward and backward passes alone.</param>
/// <param name="Ratio">Median of the ratios, pair by pair.</param>
/// <param name="PeakBytes">Most memory that the process held.</param>
internal sealed record TrainingBenchmarkResult(string Device, int Side, int Repeats, double StepSeconds, double PassSeconds, double Ratio, long PeakBytes);
