using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>All that is random about one sample: augmentation, dropped prompt, timestep, and its noises.</summary>
internal sealed class SampleDraws
{
    private readonly TorchRandom _random;

    /// <param name="seed">The sample's own, from <see cref="Seeds"/>.</param>
    /// <param name="promptDrop">Probability that the prompt is replaced by the empty one.</param>
    /// <param name="timesteps">How many timesteps there are.</param>
    public SampleDraws(ulong seed, double promptDrop, int timesteps)
    {
        // The order of the draws is the order here, whatever is used of them.
        _random = new TorchRandom(seed);
        Flip = _random.NextBernoulli(0.5);
        (Across, Down) = (Uniform(), Uniform());
        DropsPrompt = _random.NextBernoulli(promptDrop);
        Timestep = (int)_random.NextInt64(timesteps);
    }

    /// <summary>Whether the image is mirrored, where that is wanted.</summary>
    public bool Flip { get; }

    /// <summary>Where a random crop lies, 0 (left) to below 1.</summary>
    public double Across { get; }

    /// <summary>Where a random crop lies, 0 (top) to below 1.</summary>
    public double Down { get; }

    /// <summary>Whether the prompt is replaced by the empty one.</summary>
    public bool DropsPrompt { get; }

    /// <summary>t, 0 to timesteps - 1, all alike probable.</summary>
    public int Timestep { get; }

    /// <summary>Draws from N(0, 1): first for the posterior, then for ε.</summary>
    public void FillNormal(Span<float> values) => _random.FillNormal(values);

    private double Uniform()
    {
        Span<double> value = stackalloc double[1];
        _random.FillUniform(value);
        return value[0];
    }
}
