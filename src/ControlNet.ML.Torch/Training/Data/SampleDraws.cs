using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>The random draws of one sample: augmentation, empty prompt, timestep and noise.</summary>
internal sealed class SampleDraws
{
    private readonly TorchRandom _random;

    /// <param name="seed">The sample's seed, from <see cref="Seeds"/>.</param>
    /// <param name="proportionEmptyPrompts">Probability that the prompt is replaced by the empty prompt.</param>
    /// <param name="timesteps">Number of training timesteps.</param>
    public SampleDraws(ulong seed, double proportionEmptyPrompts, int timesteps)
    {
        // Every value is drawn, used or not: the order of the draws determines the later ones.
        _random = new TorchRandom(seed);
        Flip = _random.NextBernoulli(0.5);
        (Across, Down) = (Uniform(), Uniform());
        DropsPrompt = _random.NextBernoulli(proportionEmptyPrompts);
        Timestep = (int)_random.NextInt64(timesteps);
    }

    /// <summary>Whether the image is flipped, if flipping is enabled.</summary>
    public bool Flip { get; }

    /// <summary>Horizontal position of a random crop, 0 (left) to below 1.</summary>
    public double Across { get; }

    /// <summary>Vertical position of a random crop, 0 (top) to below 1.</summary>
    public double Down { get; }

    /// <summary>Whether the prompt is replaced by the empty prompt.</summary>
    public bool DropsPrompt { get; }

    /// <summary>t, uniform from 0 to timesteps - 1.</summary>
    public int Timestep { get; }

    /// <summary>Draws from N(0, 1), first for the posterior, then for ε.</summary>
    public void FillNormal(Span<float> values) => _random.FillNormal(values);

    private double Uniform()
    {
        Span<double> value = stackalloc double[1];
        _random.FillUniform(value);
        return value[0];
    }
}
