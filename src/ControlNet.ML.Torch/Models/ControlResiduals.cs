using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>What a control network adds to the UNet: one tensor for each skip tensor, in the encoder's order, and one for the middle.</summary>
/// <param name="Skips">SD1: 12 tensors; SDXL: 9.</param>
/// <param name="Middle">[N, C, h, w].</param>
internal sealed record ControlResiduals(IReadOnlyList<Tensor> Skips, Tensor Middle)
{
    /// <summary>Several networks' residuals add up.</summary>
    public static ControlResiduals operator +(ControlResiduals a, ControlResiduals b) =>
        new([.. a.Skips.Zip(b.Skips, (x, y) => x + y)], a.Middle + b.Middle);

    /// <summary>Each residual through a function, which also gets its index: skips from 0, the middle last.</summary>
    public ControlResiduals Select(Func<Tensor, int, Tensor> change) =>
        new([.. Skips.Select(change)], change(Middle, Skips.Count));
}
