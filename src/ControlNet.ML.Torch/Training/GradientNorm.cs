using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>The length of all gradients taken as one vector, and the bound on it (torch's <c>clip_grad_norm_</c>).</summary>
internal static class GradientNorm
{
    /// <summary>Scales the gradients down to a length if they are longer.</summary>
    /// <param name="parameters">What is trained.</param>
    /// <param name="most">The greatest length; null only measures.</param>
    /// <returns>The length before; NaN or infinite where a gradient is.</returns>
    public static double Clip(IReadOnlyList<TrainableParameter> parameters, double? most)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = parameters.Select(parameter => parameter.Gradient).OfType<Tensor>().ToArray();
        if (gradients.Length == 0)
            return 0;
        var length = stack(gradients.Select(gradient => gradient.norm())).norm().item<float>();
        var factor = most / (length + 1e-6);
        if (factor < 1)
        {
            foreach (var gradient in gradients)
                gradient.TimesInPlace((float)factor.Value);
        }

        return length;
    }
}
