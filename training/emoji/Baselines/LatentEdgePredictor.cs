using ControlNet.ML.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// The latent edge predictor of "Sketch-Guided Text-to-Image Diffusion Models" (Voynov, Aberman, Cohen-Or, 2022): one perceptron for all
/// pixels, from the UNet's features and the encoded noise level to the latents of the edge map, with four hidden layers of 512, 256, 128
/// and 64, each with ReLU and batch normalisation.
/// </summary>
internal sealed class LatentEdgePredictor : Module<Tensor, Tensor, Tensor>
{
    private static readonly int[] Hidden = [512, 256, 128, 64];

    /// <summary>Frequencies of the noise level's encoding.</summary>
    private const int Frequencies = 9;
    private readonly Module<Tensor, Tensor> _layers;

    /// <param name="features">Channels of the features.</param>
    /// <param name="latents">Channels of the latents.</param>
    public LatentEdgePredictor(long features, long latents)
        : base(nameof(LatentEdgePredictor))
    {
        List<Module<Tensor, Tensor>> stack = [];
        var inputs = features + 1 + (2 * Frequencies);
        foreach (var width in Hidden)
        {
            stack.AddRange([Linear(inputs, width), ReLU(), BatchNorm1d(width)]);
            inputs = width;
        }

        _layers = Sequential([.. stack, Linear(inputs, latents)]);
        RegisterComponents();
    }

    /// <param name="features">[N, features, h, w].</param>
    /// <param name="level">√(1 - ᾱ_t) of each row, [N].</param>
    /// <returns>The edge map's latents, [N, latents, h, w].</returns>
    public override Tensor forward(Tensor features, Tensor level)
    {
        using var scope = NewDisposeScope();
        var (rows, height, width) = (features.shape[0], features.shape[2], features.shape[3]);
        var waves = Enumerable.Range(0, Frequencies).SelectMany(octave =>
        {
            var angle = level.Times(2 * Math.PI / (1 << octave));
            return new[] { angle.sin(), angle.cos() };
        });
        var encoded = stack([level, .. waves], dim: 1).view(rows, -1, 1, 1).expand(rows, -1, height, width);
        var pixels = cat([features, encoded], dim: 1).permute(0, 2, 3, 1).reshape(rows * height * width, -1);
        return _layers.forward(pixels).view(rows, height, width, -1).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}
