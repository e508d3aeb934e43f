using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>Some rows, encoded and on the device, with the draws that belong to them.</summary>
/// <param name="Latents">x_0, [N, C, h, w], scaled as the UNet has them, float32.</param>
/// <param name="Noise">ε, of the same shape.</param>
/// <param name="Timesteps">t of each row.</param>
/// <param name="Condition">[N, 3, H, W], from 0 to 1, in the networks' numbers.</param>
/// <param name="Text">Texts and, for SDXL, pooled texts and sizes; in the networks' numbers.</param>
internal sealed record TrainingBatch(Tensor Latents, Tensor Noise, int[] Timesteps, Tensor Condition, UNetInputs Text);
