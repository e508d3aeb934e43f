namespace ControlNet.ML.Evaluation;

/// <summary>
/// How far a depth map is from another one that is only known up to scale and shift, as those of monocular networks are: the second is
/// fitted to the first by least squares (Ranftl et al., Towards Robust Monocular Depth Estimation, 2020), then compared.
/// </summary>
/// <param name="RootMeanSquare">The root of the mean squared difference, in units of the expected map.</param>
/// <param name="Correlation">Pearson's correlation of the two maps, -1 to 1; NaN if one is constant.</param>
public sealed record DepthError(double RootMeanSquare, double Correlation)
{
    /// <summary>Compares two depth maps.</summary>
    /// <param name="expected">The depths of the condition.</param>
    /// <param name="found">The depths of the result, in the same order.</param>
    /// <returns>The error.</returns>
    /// <exception cref="ArgumentException">The maps differ in size, are empty, or have a number that is not finite.</exception>
    public static DepthError Compute(ReadOnlySpan<float> expected, ReadOnlySpan<float> found)
    {
        if (expected.Length != found.Length || expected.IsEmpty)
            throw new ArgumentException(
                $"The maps have {expected.Length:N0} and {found.Length:N0} pixels, expected one size.", nameof(found));
        double meanE = 0, meanF = 0;
        for (var i = 0; i < expected.Length; i++)
            (meanE, meanF) = (meanE + expected[i], meanF + found[i]);
        if (!double.IsFinite(meanE) || !double.IsFinite(meanF))
            throw new ArgumentException("A map has a number that is not finite, expected finite depths.", nameof(found));
        (meanE, meanF) = (meanE / expected.Length, meanF / expected.Length);
        double squaresE = 0, squaresF = 0, products = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var (e, f) = (expected[i] - meanE, found[i] - meanF);
            (squaresE, squaresF, products) = (squaresE + (e * e), squaresF + (f * f), products + (e * f));
        }

        // What is left of the expected map's variance after the best scale and shift.
        var left = squaresF > 0 ? squaresE - (products * products / squaresF) : squaresE;
        return new DepthError(Math.Sqrt(Math.Max(0, left) / expected.Length), products / Math.Sqrt(squaresE * squaresF));
    }
}
