using ControlNet.ML.Imaging;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>Sampling from conditions in place of prompts.</summary>
/// <param name="model">The base model, fine-tuned with the encoder.</param>
/// <param name="encoder">The trained encoder.</param>
internal sealed class TokenSampling(FrozenBase model, ConditionTokens encoder)
{
    /// <summary>Generates one image's latents.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="noise">Noise from N(0, 1), [1, C, h, w].</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="guidance">Guidance scale, of the condition against the empty prompt.</param>
    /// <returns>[1, C, h, w].</returns>
    public TensorData Run(ImageBuffer condition, TensorData noise, int steps, double guidance)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var tokens = encoder.forward(TensorImages.ToUnit(Color.Hwc3(condition)).ToTorch(ScalarType.Float32, CPU));
        var empty = model.Text("").ToTorch(ScalarType.Float32, CPU);
        return BaseSampling.Run(model, noise, steps, guidance, (input, timestep, _) =>
        {
            using var inner = NewDisposeScope();
            var sample = input.ToTorch(ScalarType.Float32, CPU);
            return (Predict(empty), Predict(tokens));

            TensorData Predict(Tensor text) => model.UNet.Forward(sample, new UNetInputs(tensor(new[] { (float)timestep }), text)).ToData();
        });
    }
}
