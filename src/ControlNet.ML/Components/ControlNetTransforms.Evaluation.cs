namespace ControlNet.ML.Components;

/// <content>How well each row's image follows its condition.</content>
public sealed partial class ControlNetTransforms
{
    /// <summary>
    /// Scores each row's image against its condition, so that a pipeline can filter its own failures: annotate the generated image again
    /// (<see cref="Canny"/> …), then compare with the condition that it was generated from.
    /// </summary>
    /// <param name="outputColumnName">The column to add: a number from 0 (nothing in common) to 1; NaN for a failed row.</param>
    /// <param name="expectedColumnName">The image column with the condition.</param>
    /// <param name="foundColumnName">The image column with the condition of the result, of the same size.</param>
    /// <param name="metric">What is compared.</param>
    /// <param name="options">Tolerance, batches, failures; null for the defaults.</param>
    /// <returns>The estimator; <c>Fit</c> learns nothing and returns its transformer.</returns>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">The error column is the output column.</exception>
    public FidelityEstimator Fidelity(
        string outputColumnName,
        string expectedColumnName,
        string foundColumnName,
        FidelityMetric metric,
        FidelityComponentOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentException.ThrowIfNullOrEmpty(expectedColumnName);
        ArgumentException.ThrowIfNullOrEmpty(foundColumnName);
        return new(_environment, new FidelityStage(new(outputColumnName, expectedColumnName, foundColumnName, metric, options ?? new())));
    }
}
