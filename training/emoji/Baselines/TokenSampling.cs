using ControlNet.ML.Diffusion;
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
        using var _ = no_grad();
        var tokens = encoder.forward(TensorImages.ToUnit(Color.Hwc3(condition)).ToTorch(ScalarType.Float32, CPU));
        var empty = model.Text("").ToTorch(ScalarType.Float32, CPU);
        var scheduler = model.CreateScheduler(steps);
        var latents = noise.Clone();
        for (var i = 0; i < latents.Count; i++)
            latents.Values[i] *= (float)scheduler.InitNoiseSigma;
        var (input, guided) = (latents.Clone(), new float[latents.Count]);
        for (var step = 0; step < scheduler.Count; step++)
        {
            scheduler.ScaleModelInput(latents.Values, step, input.Values);
            Guidance.Combine(Predict(empty), Predict(tokens), (float)guidance, guided);
            scheduler.Step(guided, step, latents.Values);

            float[] Predict(Tensor text)
            {
                using var inner = NewDisposeScope();
                var time = tensor(new[] { (float)scheduler.Timesteps[step] });
                return model.UNet.Forward(input.ToTorch(ScalarType.Float32, CPU), new UNetInputs(time, text)).ToData().Values;
            }
        }

        return latents;
    }
}
