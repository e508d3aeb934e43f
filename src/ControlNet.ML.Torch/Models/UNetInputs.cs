using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>The inputs of a UNet or control network besides the sample.</summary>
/// <param name="Timesteps">[N], may be fractional.</param>
/// <param name="Text">Text embedding, [N, tokens, width].</param>
/// <param name="PooledText">SDXL: pooled text, [N, width].</param>
/// <param name="TimeIds">SDXL: original height and width, crop top and left, target height and width, [N, 6], pixels.</param>
/// <param name="GuidanceCondition">LCM: embedding of the guidance scale, [N, width].</param>
internal sealed record UNetInputs(
    Tensor Timesteps,
    TextContext Text,
    Tensor? PooledText = null,
    Tensor? TimeIds = null,
    Tensor? GuidanceCondition = null);
