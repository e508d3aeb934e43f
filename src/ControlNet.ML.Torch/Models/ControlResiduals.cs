using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The residuals that a control network adds to the UNet: one for each skip tensor, in the encoder's order, and one for the middle.
/// </summary>
/// <param name="Skips">SD1: 12 tensors; SDXL: 9.</param>
/// <param name="Middle">[N, C, h, w].</param>
internal sealed record ControlResiduals(IReadOnlyList<Tensor> Skips, Tensor Middle)
{
    /// <summary>
    /// The sum with another network's residuals, in place of these where they have the same shape: pooled ones are one pixel.
    /// </summary>
    public ControlResiduals Add(ControlResiduals other)
    {
        return new([.. Skips.Zip(other.Skips, Sum)], Sum(Middle, other.Middle));

        static Tensor Sum(Tensor x, Tensor y) => x.shape.AsSpan().SequenceEqual(y.shape) ? x.PlusInPlace(y) : x.Plus(y);
    }

    /// <summary>Passes the outputs of a control network's blocks through its zero convolutions (paper Figure 3b).</summary>
    /// <param name="skips">A convolution for each skip tensor.</param>
    /// <param name="middle">The convolution for the middle.</param>
    /// <param name="pooled">Whether to average over space, for networks without spatial information (shuffle).</param>
    public ControlResiduals Join(ModuleList<ZeroConvolution> skips, ZeroConvolution middle, bool pooled)
    {
        var joined = Select((residual, i) => (i < skips.Count ? skips[i] : middle).forward(residual));
        return pooled ? joined.Select((residual, _) => residual.mean([2, 3], keepdim: true)) : joined;
    }

    /// <summary>Moves each tensor to the outer dispose scope.</summary>
    public ControlResiduals MoveToOuterDisposeScope() => Select((residual, _) => residual.MoveToOuterDisposeScope());

    /// <summary>Maps each residual with a function, which also receives its index: skips from 0, the middle last.</summary>
    public ControlResiduals Select(Func<Tensor, int, Tensor> change) =>
        new([.. Skips.Select(change)], change(Middle, Skips.Count));
}
