using ControlNet.ML.Diffusion;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The training objective: mean squared error of the predicted noise, velocity or sample, whichever the base model predicts (paper
/// equation 1).
/// </summary>
internal sealed class DenoisingObjective : IDisposable
{
    private readonly NoiseSchedule _schedule;
    private readonly PredictionType _prediction;
    private readonly double? _minSnrGamma;
    private readonly Tensor _alphasCumprod;

    /// <param name="schedule">The base model's noise schedule.</param>
    /// <param name="prediction">What the base model predicts.</param>
    /// <param name="minSnrGamma">γ of min-SNR weighting, or null for equal weights.</param>
    /// <param name="device">Device of the tensors.</param>
    public DenoisingObjective(NoiseSchedule schedule, PredictionType prediction, double? minSnrGamma, Device device)
    {
        (_schedule, _prediction, _minSnrGamma) = (schedule, prediction, minSnrGamma);
        _alphasCumprod = tensor(schedule.AlphasCumprod.ToArray(), device: device).DetachFromDisposeScope();
    }

    /// <summary>Number of training timesteps.</summary>
    public int Timesteps => _schedule.Count;

    /// <summary>x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε.</summary>
    /// <param name="latents">x_0, [N, C, h, w], float32.</param>
    /// <param name="noise">ε, of the same shape.</param>
    /// <param name="timesteps">t of each row.</param>
    public Tensor Noisy(Tensor latents, Tensor noise, ReadOnlySpan<int> timesteps)
    {
        var (signal, share) = Shares(timesteps);
        return (signal * latents).Plus(share * noise);
    }

    /// <summary>The target of the prediction: ε, or v = √ᾱ_t ε - √(1 - ᾱ_t) x_0, or x_0.</summary>
    /// <param name="latents">x_0, [N, C, h, w], float32.</param>
    /// <param name="noise">ε, of the same shape.</param>
    /// <param name="timesteps">t of each row.</param>
    public Tensor Target(Tensor latents, Tensor noise, ReadOnlySpan<int> timesteps)
    {
        if (_prediction == PredictionType.Epsilon)
            return noise;
        if (_prediction == PredictionType.Sample)
            return latents;
        var (signal, share) = Shares(timesteps);
        return (signal * noise) - (share * latents);
    }

    /// <summary>The loss of each row: mean squared error, with min-SNR weighting if set.</summary>
    /// <param name="prediction">The model's prediction, [N, C, h, w].</param>
    /// <param name="target">From <see cref="Target"/>.</param>
    /// <param name="timesteps">t of each row.</param>
    /// <returns>[N], float32.</returns>
    public Tensor Losses(Tensor prediction, Tensor target, ReadOnlySpan<int> timesteps)
    {
        var losses = (prediction.to(ScalarType.Float32) - target).Squared().mean([1, 2, 3]);
        if (_minSnrGamma is not { } gamma)
            return losses;
        var weights = new float[timesteps.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            // At zero SNR the weight for ε would be 0/0. Weight 0 leaves the row out: predicting ε from pure noise teaches nothing.
            var weight = _schedule.MinSnrWeight(timesteps[i], _prediction, gamma);
            weights[i] = double.IsNaN(weight) ? 0 : (float)weight;
        }

        return losses * tensor(weights, device: losses.device);
    }

    public void Dispose() => _alphasCumprod.Dispose();

    private (Tensor Signal, Tensor Noise) Shares(ReadOnlySpan<int> timesteps)
    {
        var index = tensor(timesteps.ToArray().Select(t => (long)t).ToArray(), device: _alphasCumprod.device);
        var alphas = _alphasCumprod.index_select(0, index).view(-1, 1, 1, 1);
        return (alphas.sqrt(), alphas.Times(-1).Plus(1).sqrt());
    }
}
