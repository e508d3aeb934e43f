using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Onnx;

/// <summary>The UNet's sample: the latents, and the extra channels that inpainting and depth models concatenate to them.</summary>
/// <param name="inputs">The batch's inputs.</param>
internal sealed class UNetSample(DenoiserInputs inputs)
{
    private TensorData? _whole;

    /// <summary>The latents with the extra channels.</summary>
    /// <param name="latents">[R, C, h, w].</param>
    /// <returns>[R, C + E, h, w]; the latents themselves if there are no extra channels. The next call overwrites it.</returns>
    public TensorData With(TensorData latents)
    {
        if (inputs.ExtraChannels is not { } extra)
            return latents;
        var shape = latents.Shape;
        var whole = _whole ??= TensorData.Zeros(shape[0], shape[1] + extra.Shape[1], shape[2], shape[3]);
        for (var row = 0; row < shape[0]; row++)
        {
            latents.Row(row).CopyTo(whole.Row(row));
            extra.Row(row).CopyTo(whole.Row(row)[latents.Row(row).Length..]);
        }

        return whole;
    }
}
