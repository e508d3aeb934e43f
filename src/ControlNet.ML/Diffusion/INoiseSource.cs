namespace ControlNet.ML.Diffusion;

/// <summary>Where a sampler takes its Gaussian noise from.</summary>
public interface INoiseSource
{
    /// <summary>Fills a tensor of that many elements with draws from N(0, 1).</summary>
    /// <param name="values">All elements of the tensor, row-major: how many there are can decide which numbers they become.</param>
    void FillNormal(Span<float> values);
}
