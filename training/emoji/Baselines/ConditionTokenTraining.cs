using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// Trains as PITI does: first the encoder alone, with the base frozen, so that conditions find their place in the space that the base
/// knows; then both, the base at a tenth of the rate. Of the second phase's steps, a tenth sees the empty prompt, which guidance needs.
/// </summary>
internal sealed class ConditionTokenTraining(FrozenBase model, BaseScenes scenes, ulong seed)
{
    private const int BatchSize = 16;
    private const double LearningRate = 3e-4, BaseRate = 3e-5;
    private const double ShareOfFirstPhase = 0.7, ShareWithoutCondition = 0.1;

    /// <summary>Trains an encoder, and the model's UNet in memory.</summary>
    /// <param name="steps">Steps of 16 rows, of both phases together.</param>
    /// <param name="side">Side of the conditions in pixels.</param>
    /// <param name="progress">Receives each step's loss.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public ConditionTokens Run(int steps, int side, IProgress<TrainedStep>? progress, CancellationToken cancellationToken)
    {
        random.manual_seed((long)seed);
        var draws = new TorchRandom(seed);
        var encoder = new ConditionTokens(model.Folder.UNet.CrossAttentionDim, side, draws);
        TrainableParameter[] own = Trainable(encoder), whole = [];
        using var ownOptimizer = new AdamW(own, new AdamWOptions());
        AdamW? baseOptimizer = null;
        var empty = model.Text("");
        var first = (int)(ShareOfFirstPhase * steps);
        Span<float> chance = stackalloc float[1];
        for (var step = 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (step == first + 1)
                baseOptimizer = new AdamW(whole = Trainable(model.UNet), new AdamWOptions());
            using var scope = NewDisposeScope();
            var batch = NoisyBatch.Draw(model, scenes, BatchSize, draws);
            draws.FillUniform(chance);
            var tokens = baseOptimizer is not null && chance[0] < ShareWithoutCondition
                ? NoisyBatch.Stack(batch.Rows.Select(_ => empty))
                : encoder.forward(NoisyBatch.Stack(batch.Rows.Select(row => TensorImages.ToUnit(Color.Hwc3(scenes.Condition(row))))));
            var prediction = model.UNet.Forward(batch.Noisy, new UNetInputs(batch.Times(), tokens));
            var loss = model.Objective.Losses(prediction, batch.Target, batch.Timesteps).mean();
            loss.backward();
            var decay = 1 - ((step - 1) / (double)steps);
            ownOptimizer.Step(LearningRate * decay);
            baseOptimizer?.Step(BaseRate * decay);
            foreach (var parameter in own.Concat(whole))
                parameter.Clear();
            progress?.Report(new TrainedStep(step, steps, loss.ToData().Values[0]));
        }

        baseOptimizer?.Dispose();
        return encoder;
    }

    private static TrainableParameter[] Trainable(nn.Module network) =>
        [.. network.named_parameters().Select(entry => new TrainableParameter(entry.name, entry.parameter))];
}
