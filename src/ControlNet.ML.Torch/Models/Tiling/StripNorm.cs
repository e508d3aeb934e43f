using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models.Tiling;

/// <summary>
/// Group normalisation of strips, and the SiLU after it: with mean and variance of the whole map, as a factor and a term for each channel.
/// Norms of single strips would give each its own brightness, the seams of tiled decoding.
/// </summary>
internal sealed class StripNorm : IDisposable
{
    private readonly Tensor _factor;
    private readonly Tensor _term;

    private StripNorm(Tensor factor, Tensor term) => (_factor, _term) = (factor, term);

    /// <summary>The norm of a map.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="x">The map.</param>
    public static StripNorm Of(GroupNorm norm, FeatureStrips x)
    {
        var groups = (int)norm.Groups;
        var (means, variances) = Moments(x, groups);
        var (weight, bias) = (Values(norm.weight), Values(norm.bias));
        var (factor, term) = (new float[weight.Length], new float[weight.Length]);
        for (var channel = 0; channel < weight.Length; channel++)
        {
            var group = channel / (weight.Length / groups);
            var scale = weight[channel] / Math.Sqrt(variances[group] + norm.Epsilon);
            factor[channel] = (float)scale;
            term[channel] = (float)(bias[channel] - (means[group] * scale));
        }

        var device = norm.weight.device;
        return new StripNorm(
            tensor(factor, [1, factor.Length, 1, 1], device: device).DetachFromDisposeScope(),
            tensor(term, [1, term.Length, 1, 1], device: device).DetachFromDisposeScope());
    }

    /// <summary>SiLU of the norm of a strip, computed in float32, in the strip's type.</summary>
    /// <returns>A new tensor.</returns>
    public Tensor Activate(Tensor strip)
    {
        using var scope = NewDisposeScope();
        var normed = strip.to(ScalarType.Float32).mul(_factor).PlusInPlace(_term);
        return functional.silu(normed, inplace: true).to(strip.dtype).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _factor.Dispose();
        _term.Dispose();
    }

    /// <summary>Mean and variance of each group, joined over the strips in double precision (Chan et al. 1979).</summary>
    private static (double[] Means, double[] Variances) Moments(FeatureStrips x, int groups)
    {
        var (means, squares, count) = (new double[groups], new double[groups], 0d);
        foreach (var strip in x.Strips)
        {
            using var scope = NewDisposeScope();
            var values = strip.to(ScalarType.Float32).reshape(groups, -1);
            double more = values.shape[1];
            var (average, variance) = (Values(values.mean([1])), Values(values.var(1, unbiased: false)));
            for (var group = 0; group < groups; group++)
            {
                var difference = average[group] - means[group];
                squares[group] += (variance[group] * more) + (difference * difference * count * more / (count + more));
                means[group] += difference * more / (count + more);
            }

            count += more;
        }

        return (means, Array.ConvertAll(squares, square => square / count));
    }

    private static float[] Values(Tensor tensor) => tensor.ToData().Values;
}
