using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>The trainer's parts against the results of diffusers and torch: losses, gradients, moments, weights.</summary>
[Trait("Category", "Parity")]
public sealed class TrainingParityTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope;

    public TrainingParityTests()
    {
        Assert.SkipUnless(Fixtures.Has("training", "runs.json"), $"No training in {Fixtures.Root}.");
        Torch.Native.TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope?.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void Eight_steps_from_the_copy_to_the_final_weights(bool recompute)
    {
        using var bench = new TrainingBench(recompute: recompute);
        var steps = new ReferenceTensors(Fixtures.Path("training", "steps.safetensors"));
        for (var i = 0; i < 8; i++)
        {
            using var scope = NewDisposeScope();
            var batch = new TrainingBatch(
                Read($"{i}.latents"), Read($"{i}.noise"), [.. steps.Doubles($"{i}.timesteps").Select(t => (int)t)], Read($"{i}.condition"),
                new UNetInputs(zeros(0), Read($"{i}.encoder_hidden_states")));
            Close.Relative(
                steps.Doubles($"{i}.noisy"), ControlGraph.Values(bench.Objective.Noisy(batch.Latents, batch.Noise, batch.Timesteps)), 1e-6, "noisy");
            CheckRows.Relative(steps.Doubles("losses")[i], bench.Graph.Backward(batch).Average(), $"loss {i}");
            CheckRows.Relative(steps.Doubles($"{i}.grad_norm")[0], bench.Clip(1), $"gradient norm {i}");
            bench.Optimizer.Step(TrainingBench.Rate);
            bench.Clear();
        }

        var final = new ReferenceTensors(Fixtures.Path("training", "final.safetensors"));
        foreach (var parameter in bench.Parameters)
        {
            // Where a gradient is as small as its rounding error, Adam can step either way: sums are compared, not single values.
            var (expected, actual) = (final.Doubles(parameter.Name), ControlGraph.Values(parameter.Master));
            Close.Number(expected.Sum(), actual.Sum(v => (double)v), 2e-5 * Math.Max(1e-6, expected.Sum(Math.Abs)), parameter.Name);
        }

        Tensor Read(string name) => tensor(steps.Floats(name), [.. steps.Shape(name).Select(s => (long)s)]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Gradients_of_the_first_three_steps(bool recompute)
    {
        using var bench = new TrainingBench(recompute: recompute);
        for (var step = 1; step <= 3; step++)
        {
            CheckRows.Relative(CheckRows.Numbers("gradients", "loss")[step - 1], bench.Graph.Backward(TrainingBench.Pool([0, 1])).Average(), $"loss {step}");
            CheckRows.Compare($"grad.step{step}", bench.Gradients());
            bench.Optimizer.Step(TrainingBench.Rate);
            bench.Clear();
        }
    }

    [Fact]
    public void Gradients_of_a_network_without_zeros()
    {
        using var bench = new TrainingBench(control: "sd1-control-a");
        CheckRows.Relative(CheckRows.Run("gradients").GetProperty("random_loss").GetDouble(), bench.Graph.Backward(TrainingBench.Pool([0, 1])).Average(), "loss");
        CheckRows.Compare("grad.random", bench.Gradients());
    }

    [Fact]
    public void Velocity()
    {
        using var bench = new TrainingBench("sd2-v", "sd2-v-control-a", PredictionType.Velocity);
        var batch = TrainingBench.Pool([2, 3]);
        var runs = new ReferenceTensors(Fixtures.Path("training", "runs.safetensors"));
        Close.Relative(runs.Doubles("v.target"), ControlGraph.Values(bench.Objective.Target(batch.Latents, batch.Noise, batch.Timesteps)), 1e-6, "target");
        CheckRows.Relative(CheckRows.Run("velocity").GetProperty("loss").GetDouble(), bench.Graph.Backward(batch).Average(), "loss");
        CheckRows.Compare("v.grad", bench.Gradients(), "control_sd2");
    }

    [Fact]
    public void Min_snr_weights()
    {
        using var bench = new TrainingBench(control: "sd1-control-a", gamma: 5);
        int[] timesteps = [1, 250, 600, 999];
        for (var i = 0; i < 4; i++)
        {
            CheckRows.Relative(CheckRows.Numbers("min_snr", "snr")[i], bench.Schedule.Snr(timesteps[i]), "snr", 2e-5);
            CheckRows.Relative(CheckRows.Numbers("min_snr", "weights_v")[i], bench.Schedule.MinSnrWeight(timesteps[i], PredictionType.Velocity), "weight", 2e-5);
        }

        CheckRows.Relative(CheckRows.Run("min_snr").GetProperty("loss").GetDouble(), bench.Graph.Backward(TrainingBench.Pool([4, 5, 6, 7], timesteps)).Average(), "loss");
        CheckRows.Compare("snr.grad", bench.Gradients());
    }

    [Fact]
    public void Accumulated_clipped_warmed_up_and_averaged()
    {
        using var bench = new TrainingBench();
        using var plain = new EmaWeights(bench.Parameters, 0.999, useWarmup: false);
        using var warm = new EmaWeights(bench.Parameters, 0.999, useWarmup: true);
        for (var step = 0; step < 8; step++)
        {
            using var scope = NewDisposeScope();
            for (var micro = 0; micro < 2; micro++)
            {
                var loss = bench.Graph.Backward(TrainingBench.Pool([(2 * step) + micro]), 0.5).Average();
                CheckRows.Relative(CheckRows.Numbers("long_run", "losses")[(2 * step) + micro], loss, $"loss {step}.{micro}");
            }

            CheckRows.Relative(CheckRows.Numbers("long_run", "grad_norms")[step], bench.Clip(0.2), $"norm {step}", 2e-5);
            var rate = LearningRate.At(LearningRateScheduler.Constant, TrainingBench.Rate, step, 3, 8);
            Assert.Equal(CheckRows.Numbers("long_run", "lrs")[step], rate, 1e-12);
            bench.Optimizer.Step(rate);
            Assert.Equal(CheckRows.Numbers("long_run", "ema_decays")[step], warm.Decay(step), 1e-12);
            plain.Update(step);
            warm.Update(step);
            bench.Clear();
            if (step is 3 or 7)
            {
                CheckRows.Compare($"long.{step + 1}.params", bench.Parameters.ToDictionary(p => p.Name, Tensor? (p) => p.Master));
                CheckRows.Compare($"long.{step + 1}.exp_avg", bench.Optimizer.State.ToDictionary(p => p.Key, Tensor? (p) => p.Value.Mean));
                CheckRows.Compare($"long.{step + 1}.exp_avg_sq", bench.Optimizer.State.ToDictionary(p => p.Key, Tensor? (p) => p.Value.Square));
            }
        }

        CheckRows.Compare("long.ema_plain", plain.Values.ToDictionary(p => p.Key, Tensor? (p) => p.Value));
        CheckRows.Compare("long.ema_diffusers", warm.Values.ToDictionary(p => p.Key, Tensor? (p) => p.Value));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Decoder_unlocked(bool recompute)
    {
        using var bench = new TrainingBench(unlocked: true, recompute: recompute);
        for (var step = 0; step < 4; step++)
        {
            var loss = bench.Graph.Backward(TrainingBench.Pool([4 * step, (4 * step) + 1])).Average();
            CheckRows.Relative(CheckRows.Numbers("unlocked", "losses")[step], loss, $"loss {step}");
            if (step == 0)
                CheckRows.Compare("unlocked.decoder_grad.step1", bench.Gradients(bench.Decoder), "decoder");
            CheckRows.Relative(CheckRows.Numbers("unlocked", "grad_norms")[step], bench.Clip(1), $"norm {step}", 2e-5);
            bench.Optimizer.Step(TrainingBench.Rate);
            bench.Clear();
        }

        CheckRows.Compare("unlocked.decoder", bench.Decoder.ToDictionary(p => p.Name, Tensor? (p) => p.Master), "decoder");
        CheckRows.Compare("unlocked.control", bench.Parameters.ToDictionary(p => p.Name, Tensor? (p) => p.Master));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Only_the_middle_residual_is_added(bool recompute)
    {
        using var bench = new TrainingBench(onlyMid: true, recompute: recompute);
        for (var step = 0; step < 2; step++)
        {
            var loss = bench.Graph.Backward(TrainingBench.Pool([8 + (2 * step), 9 + (2 * step)])).Average();
            CheckRows.Relative(CheckRows.Numbers("only_mid", "losses")[step], loss, $"loss {step}");
            CheckRows.Compare($"mid.grad.step{step + 1}", bench.Gradients());
            CheckRows.Relative(CheckRows.Numbers("only_mid", "grad_norms")[step], bench.Clip(1), $"norm {step}", 2e-5);
            bench.Optimizer.Step(TrainingBench.Rate);
            bench.Clear();
        }

        CheckRows.Compare("mid.params", bench.Parameters.ToDictionary(p => p.Name, Tensor? (p) => p.Master));
        Assert.Equal(24, bench.Parameters.Count(p => !bench.Optimizer.State.ContainsKey(p.Name)));
    }
}
