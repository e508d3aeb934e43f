using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Random weights of a realistic scale, so that full-size networks can be timed without a checkpoint.</summary>
internal static class RandomWeights
{
    /// <summary>
    /// Fills matrices and kernels with uniform numbers of standard deviation about 1/√(3·inputs), norms with ones, biases with zeros.
    /// </summary>
    public static T Fill<T>(T network)
        where T : nn.Module
    {
        using var _ = no_grad();
        random.manual_seed(0);
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (parameter.ndim > 1)
            {
                var bound = 1 / Math.Sqrt(parameter.numel() / (double)parameter.shape[0]);
                parameter.uniform_(-bound, bound);
            }
            else
            {
                parameter.FillInPlace(name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0);
            }
        }

        return network;
    }
}
