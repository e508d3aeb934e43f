using System.Numerics.Tensors;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// How far generated images lie among real ones, and the other way round, where the neighbourhoods of k nearest features make up a
/// manifold: precision and recall of Kynkäänniemi et al. (Improved Precision and Recall Metric, 2019), density and coverage of Naeem et al.
/// (Reliable Fidelity and Diversity Metrics, 2020).
/// </summary>
/// <param name="Precision">Share of the generated images in the neighbourhood of a real one: quality.</param>
/// <param name="Recall">Share of the real images in the neighbourhood of a generated one: diversity.</param>
/// <param name="Density">Mean number of real neighbourhoods that hold a generated image, over k; may exceed 1.</param>
/// <param name="Coverage">Share of the real images whose neighbourhood holds a generated one.</param>
/// <param name="Neighbours">k.</param>
/// <param name="Extractor">What computed the features.</param>
public sealed record ManifoldAgreement(
    double Precision, double Recall, double Density, double Coverage, int Neighbours, string Extractor)
{
    /// <summary>Compares two sets of images.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="neighbours">k: a neighbourhood reaches to the k-th nearest other image of the own set.</param>
    /// <returns>The shares.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has at most k images.</exception>
    public static ManifoldAgreement Compute(FeatureSet real, FeatureSet generated, int neighbours = 3)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbours);
        FeatureSet.CheckComparable(real, generated, least: neighbours + 1);
        var (realRadii, generatedRadii) = (Radii(real, neighbours), Radii(generated, neighbours));
        var (held, holding, covered) = (new int[generated.Count], new int[real.Count], new bool[real.Count]);
        Parallel.For(0, real.Count, i =>
        {
            var (nearest, inside) = (double.PositiveInfinity, 0);
            for (var j = 0; j < generated.Count; j++)
            {
                var distance = TensorPrimitives.Distance(real[i], generated[j]);
                nearest = Math.Min(nearest, distance);
                if (distance < realRadii[i])
                    Interlocked.Increment(ref held[j]);
                inside += distance < generatedRadii[j] ? 1 : 0;
            }

            (holding[i], covered[i]) = (inside, nearest < realRadii[i]);
        });
        return new ManifoldAgreement(
            held.Average(count => count > 0 ? 1.0 : 0),
            holding.Average(count => count > 0 ? 1.0 : 0),
            held.Average() / neighbours,
            covered.Average(isCovered => isCovered ? 1.0 : 0),
            neighbours,
            real.Extractor);
    }

    /// <summary>The distance of each image to the k-th nearest other one.</summary>
    private static double[] Radii(FeatureSet set, int neighbours)
    {
        var radii = new double[set.Count];
        Parallel.For(0, set.Count, i =>
        {
            var distances = new double[set.Count - 1];
            for (var j = 0; j < distances.Length; j++)
                distances[j] = TensorPrimitives.Distance(set[i], set[j < i ? j : j + 1]);
            Array.Sort(distances);
            radii[i] = distances[neighbours - 1];
        });
        return radii;
    }
}
