using System.Numerics.Tensors;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// The kernel distance of two sets of features (KID, Bińkowski et al., Demystifying MMD GANs, 2018): the unbiased squared maximum mean
/// discrepancy with the kernel (x·y / d + 1)³, over random subsets. Unlike FID it has no bias for few images, and may be below 0.
/// </summary>
/// <param name="Mean">The mean over the subsets; smaller is nearer.</param>
/// <param name="StandardDeviation">The standard deviation over the subsets (over n).</param>
/// <param name="Extractor">What computed the features; distances of different extractors cannot be compared.</param>
public sealed record KernelDistance(double Mean, double StandardDeviation, string Extractor)
{
    /// <summary>
    /// The interval of the distance over draws of as many images, by the jackknife that leaves out what is in no subset (Shao and Wu, A
    /// General Theory for Jackknife Variance Estimation, 1989); null for one subset, and for subsets of all images.
    /// </summary>
    public ConfidenceInterval? Interval { get; init; }

    /// <summary>Compares random subsets of two sets of images.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="subsets">Number of subsets.</param>
    /// <param name="size">Images in a subset; at most as many as a set has are used.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <returns>The distance.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than two images.</exception>
    public static KernelDistance Compute(FeatureSet real, FeatureSet generated, int subsets = 100, int size = 1000, ulong seed = 0)
    {
        FeatureSet.CheckComparable(real, generated, least: 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(subsets);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 2);
        size = Math.Min(size, Math.Min(real.Count, generated.Count));
        var resampling = new Resampling(seed);
        var distance = Compute(real, generated, [.. Enumerable.Range(0, subsets).Select(_ => Choose())]);
        var left = Math.Min(real.Count, generated.Count) - size;
        if (left == 0 || subsets == 1)
            return distance;

        // The variance of subsets of size of n, times size / (n - size), is that of all n; the mean over few subsets adds its own.
        var variance = distance.StandardDeviation * distance.StandardDeviation * subsets / (subsets - 1);
        var error = Math.Sqrt(variance * (((double)size / left) + (1.0 / subsets)));
        return distance with { Interval = ConfidenceInterval.Normal(distance.Mean, error) };

        (int[] Real, int[] Generated) Choose() => (resampling.Without(real.Count, size), resampling.Without(generated.Count, size));
    }

    /// <summary>Compares given subsets of two sets of images.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="subsets">The rows of each subset, at least two of each set.</param>
    internal static KernelDistance Compute(FeatureSet real, FeatureSet generated, IReadOnlyList<(int[] Real, int[] Generated)> subsets)
    {
        var values = new double[subsets.Count];
        Parallel.For(0, subsets.Count, i => values[i] = Discrepancy(real, generated, subsets[i].Real, subsets[i].Generated));
        var mean = values.Average();
        return new KernelDistance(mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), real.Extractor);
    }

    private static double Discrepancy(FeatureSet real, FeatureSet generated, int[] first, int[] second)
    {
        var cross = 0.0;
        foreach (var x in first)
        {
            foreach (var y in second)
                cross += Kernel(real[x], generated[y]);
        }

        return Own(real, first) + Own(generated, second) - (2 * cross / ((double)first.Length * second.Length));
    }

    /// <summary>The mean kernel of different images of a set.</summary>
    private static double Own(FeatureSet set, int[] rows)
    {
        var sum = 0.0;
        for (var i = 0; i < rows.Length; i++)
        {
            for (var j = 0; j < i; j++)
                sum += Kernel(set[rows[i]], set[rows[j]]);
        }

        return 2 * sum / ((double)rows.Length * (rows.Length - 1));
    }

    private static double Kernel(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var value = (TensorPrimitives.Dot(x, y) / x.Length) + 1;
        return value * value * value;
    }
}
