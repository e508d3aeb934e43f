namespace ControlNet.ML.Weights;

/// <summary>What a model's UNet makes images of, which its input channels say.</summary>
public enum ModelTask
{
    /// <summary>Latents alone: text to image, and image to image.</summary>
    TextToImage,

    /// <summary>Latents, a mask and the masked image's latents, as Stable Diffusion's inpainting models: 2C + 1 channels for latents of C.</summary>
    Inpainting,

    /// <summary>Latents and a depth map, as Stable Diffusion 2's depth model: C + 1 channels.</summary>
    DepthToImage,

    /// <summary>Another number of input channels, such as InstructPix2Pix's. The model's parts can be used, the pipeline cannot.</summary>
    Unsupported,
}
