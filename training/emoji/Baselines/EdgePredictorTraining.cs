using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// Trains the edge predictor of Sketch-Guided Diffusion: features of scenes with noise at random timesteps, against the latents of their
/// edge maps. The UNet stays as it is.
/// </summary>
internal static class EdgePredictorTraining
{
    private const int BatchSize = 16;
    private const double LearningRate = 1e-3;

    /// <summary>Trains a predictor.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="scenes">Scenes with edge maps.</param>
    /// <param name="steps">Steps of 16 rows.</param>
    /// <param name="seed">Seed of weights, rows, timesteps and noise.</param>
    /// <param name="progress">Receives each step's mean squared error.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static LatentEdgePredictor Run(
        FrozenBase model, BaseScenes scenes, int steps, ulong seed, IProgress<TrainedStep>? progress, CancellationToken cancellationToken)
    {
        var features = new UNetFeatures(model.UNet, model.Folder.UNet);
        random.manual_seed((long)seed);
        var predictor = new LatentEdgePredictor(features.Channels, model.Folder.UNet.OutChannels);
        predictor.train();
        var draws = new TorchRandom(seed);
        TrainableParameter[] parameters = [.. predictor.named_parameters().Select(entry => new TrainableParameter(entry.name, entry.parameter))];
        using var optimizer = new AdamW(parameters, new AdamWOptions { WeightDecay = 0 });
        for (var step = 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batch = NoisyBatch.Draw(model, scenes, BatchSize, draws);
            Tensor seen;
            using (no_grad())
                seen = features.Run(batch.Noisy, new UNetInputs(batch.Times(), NoisyBatch.Stack(batch.Rows.Select(scenes.Text)))).Features;
            var predicted = predictor.forward(seen, model.Levels(batch.Timesteps));
            var loss = (predicted - NoisyBatch.Stack(batch.Rows.Select(scenes.ConditionLatents))).Squared().mean();
            loss.backward();
            optimizer.Step(LearningRate * (1 - ((step - 1) / (double)steps)));
            foreach (var parameter in parameters)
                parameter.Clear();
            progress?.Report(new TrainedStep(step, steps, loss.ToData().Values[0]));
        }

        predictor.eval();
        return predictor;
    }
}
