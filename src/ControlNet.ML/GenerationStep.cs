namespace ControlNet.ML;

/// <summary>The state of an image after one denoising step.</summary>
/// <param name="Step">The step's index, from 0.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Latents">The latents, [1, C, h, w]; overwritten by the next step.</param>
/// <param name="Decode">Decodes the latents: a preview, and after the last step the image.</param>
public sealed record GenerationStep(int Step, int Steps, TensorData Latents, Func<TensorData, GeneratedImage> Decode)
{
    /// <summary>Decodes the current latents to an image.</summary>
    /// <returns>The image; its warnings and settings are those of the finished one.</returns>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public GeneratedImage Image() => Decode(Latents);
}
