using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// The activations from which Sketch-Guided Diffusion predicts edges: the last of each encoder level, the middle's, and the last of each
/// decoder level, brought to the latents' size and concatenated. (The paper takes nine layers of Stable Diffusion, spread likewise.)
/// </summary>
internal sealed class UNetFeatures(UNet2DConditionModel unet, UNetConfig config)
{
    /// <summary>Number of feature channels.</summary>
    public int Channels => (2 * config.BlockOutChannels.Sum()) + config.BlockOutChannels[^1];

    /// <summary>Runs the UNet.</summary>
    /// <param name="sample">[N, C, h, w].</param>
    /// <param name="inputs">Time and text, N rows each.</param>
    /// <returns>The prediction, [N, C, h, w], and the features, [N, <see cref="Channels"/>, h, w].</returns>
    public (Tensor Prediction, Tensor Features) Run(Tensor sample, UNetInputs inputs)
    {
        var encoded = unet.Encode(sample, inputs);
        List<Tensor> taken = [.. encoded.Skips.GroupBy(skip => skip.shape[2]).Select(level => level.Last()), encoded.Middle];
        var remaining = new Stack<Tensor>(encoded.Skips);
        var x = encoded.Middle;
        foreach (var block in unet.up_blocks)
            taken.Add(x = block.forward(x, encoded.Time, inputs.Text, remaining));
        long[] size = [sample.shape[2], sample.shape[3]];
        var features = cat(
            [.. taken.Select(level => level.shape[2] == size[0] ? level : functional.interpolate(level, size, mode: InterpolationMode.Bilinear, align_corners: false))], dim: 1);
        return (unet.Out(x), features);
    }
}
