using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>A batch of encoded rows on the device, with their random draws.</summary>
/// <param name="Latents">x_0, [N, C, h, w], scaled for the UNet, float32.</param>
/// <param name="Noise">ε, of the same shape.</param>
/// <param name="Timesteps">t of each row.</param>
/// <param name="Condition">[N, 3, H, W], 0 to 1, in the networks' precision.</param>
/// <param name="Text">Text embeddings and, for SDXL, pooled embeddings and sizes, in the networks' precision.</param>
internal sealed record TrainingBatch(Tensor Latents, Tensor Noise, int[] Timesteps, Tensor Condition, UNetInputs Text);
