using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>Measures and clips the norm of all gradients together (torch's <c>clip_grad_norm_</c>).</summary>
internal static class GradientNorm
{
    /// <summary>Scales the gradients down if their norm exceeds a maximum.</summary>
    /// <param name="parameters">The parameters to train.</param>
    /// <param name="maxNorm">Maximum norm; null only measures.</param>
    /// <returns>The norm before clipping; NaN or infinite if a gradient is.</returns>
    public static double Clip(IReadOnlyList<TrainableParameter> parameters, double? maxNorm)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = parameters.Select(parameter => parameter.Gradient).OfType<Tensor>().ToArray();
        if (gradients.Length == 0)
            return 0;
        var norm = stack(gradients.Select(gradient => gradient.norm())).norm().item<float>();
        var factor = maxNorm / (norm + 1e-6);
        if (factor < 1)
        {
            foreach (var gradient in gradients)
                gradient.TimesInPlace((float)factor.Value);
        }

        return norm;
    }
}
