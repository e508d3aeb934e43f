namespace ControlNet.ML.Diffusion;

/// <summary>The source of a scheduler's Gaussian noise.</summary>
public interface INoiseSource
{
    /// <summary>Fills a tensor with random numbers from N(0, 1).</summary>
    /// <param name="values">All elements of the tensor, row-major: their number can affect the values.</param>
    void FillNormal(Span<float> values);
}
