using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>The output of the UNet's encoder, which its decoder takes.</summary>
/// <param name="Skips">The skip tensors, in the encoder's order.</param>
/// <param name="Middle">The middle's output.</param>
/// <param name="Time">SiLU of the time embedding.</param>
internal sealed record EncodedSample(IReadOnlyList<Tensor> Skips, Tensor Middle, Tensor Time)
{
    /// <summary>
    /// Adds residuals to the skip tensors and the middle, never to the encoder's own stream, never in place
    /// (paper Figure 3, the arrows from the zero convolutions).
    /// </summary>
    /// <param name="residuals">One for each skip tensor, or none for the middle alone (<c>only_mid_control</c>), and the middle's.</param>
    public EncodedSample With(ControlResiduals residuals) => this with
    {
        Skips = residuals.Skips.Count == 0 ? Skips : [.. Skips.Zip(residuals.Skips, (skip, residual) => skip.Plus(residual))],
        Middle = Middle.Plus(residuals.Middle),
    };
}
