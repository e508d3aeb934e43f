namespace ControlNet.ML.Weights;

/// <summary>A model's task, which its UNet's input channels determine.</summary>
public enum ModelTask
{
    /// <summary>Latents only: text-to-image and image-to-image.</summary>
    TextToImage,

    /// <summary>
    /// Latents, a mask and the masked image's latents, as in Stable Diffusion's inpainting models: 2C + 1 channels for latents of C.
    /// </summary>
    Inpainting,

    /// <summary>Latents and a depth map, as in Stable Diffusion 2's depth model: C + 1 channels.</summary>
    DepthToImage,

    /// <summary>Another number of input channels, such as InstructPix2Pix's. The model's parts can be used, but not the pipeline.</summary>
    Unsupported,
}
