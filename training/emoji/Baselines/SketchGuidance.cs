using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// Sampling of Sketch-Guided Diffusion: after each of the first steps, the latents move against the gradient of the distance between
/// predicted and wanted edges, by β times the length of the scheduler's own step.
/// </summary>
/// <param name="model">The base model.</param>
/// <param name="predictor">The trained edge predictor.</param>
/// <param name="beta">β: 1.6 and 3.2 in ControlNet's comparison.</param>
internal sealed class SketchGuidance(FrozenBase model, LatentEdgePredictor predictor, double beta)
{
    /// <summary>The share of the steps that are guided; the rest adds detail freely.</summary>
    private const double GuidedShare = 0.5;

    private readonly UNetFeatures _features = new(model.UNet, model.Folder.UNet);

    /// <summary>Generates one image's latents.</summary>
    /// <param name="text">The embedded prompt, [1, tokens, width].</param>
    /// <param name="edges">The edge map's latents, [1, C, h, w].</param>
    /// <param name="noise">Noise from N(0, 1), [1, C, h, w].</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="guidance">Guidance scale of the prompt.</param>
    /// <returns>[1, C, h, w].</returns>
    public TensorData Run(TensorData text, TensorData edges, TensorData noise, int steps, double guidance)
    {
        var empty = model.Text("");
        TensorData? gradient = null;
        return BaseSampling.Run(
            model, noise, steps, guidance,
            (input, timestep, done) =>
            {
                using var scope = NewDisposeScope();
                (var conditional, gradient) = Predict(input, timestep, text, done < GuidedShare ? edges : null);
                return (Predict(input, timestep, empty, edges: null).Prediction, conditional);
            },
            (before, latents) =>
            {
                if (gradient is not null)
                    Descend(latents, before, gradient.Values);
            });
    }

    private (TensorData Prediction, TensorData? Gradient) Predict(TensorData input, double timestep, TensorData text, TensorData? edges)
    {
        var sample = input.ToTorch(ScalarType.Float32, CPU);
        var inputs = new UNetInputs(tensor(new[] { (float)timestep }), text.ToTorch(ScalarType.Float32, CPU));
        if (edges is null)
        {
            using var _ = no_grad();
            return (model.UNet.Forward(sample, inputs).ToData(), null);
        }

        sample.requires_grad_();
        var (prediction, features) = _features.Run(sample, inputs);
        var distance = (predictor.forward(features, model.Levels([(int)timestep])) - edges.ToTorch(ScalarType.Float32, CPU)).Squared().mean();
        distance.backward();
        return (prediction.detach().ToData(), sample.grad!.ToData());
    }

    /// <summary>z - α ∇, α = β ‖z_t - z_(t-1)‖ / ‖∇‖.</summary>
    private void Descend(Span<float> latents, ReadOnlySpan<float> before, ReadOnlySpan<float> gradient)
    {
        double moved = 0, length = 0;
        for (var i = 0; i < latents.Length; i++)
        {
            moved += Math.Pow(before[i] - latents[i], 2);
            length += Math.Pow(gradient[i], 2);
        }

        var rate = length == 0 ? 0 : (float)(beta * Math.Sqrt(moved / length));
        for (var i = 0; i < latents.Length; i++)
            latents[i] -= rate * gradient[i];
    }
}
