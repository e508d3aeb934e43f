using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The 1x1 convolution that connects the trainable copy to the locked model (paper section 3.1, Z(·;·)): weight and bias start at zero,
/// so that at first the control network adds nothing, and harmful noise cannot reach the locked layers.
/// </summary>
internal sealed class ZeroConvolution : Convolution
{
    /// <param name="channels">Input and output channels.</param>
    public ZeroConvolution(long channels)
        : base(channels, channels, kernel: 1) => SetToZero();

    /// <summary>Resets weight and bias to zero.</summary>
    public void SetToZero()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        weight.zero_();
        bias.zero_();
        ParametersChanged();
    }
}
