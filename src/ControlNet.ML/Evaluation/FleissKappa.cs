namespace ControlNet.ML.Evaluation;

/// <summary>
/// Fleiss' kappa (Measuring Nominal Scale Agreement Among Many Raters, 1971): how far raters agree on categories beyond chance, where every
/// subject has as many ratings.
/// </summary>
public static class FleissKappa
{
    /// <summary>Computes kappa: 1 for full agreement, 0 for that of chance, below 0 for less.</summary>
    /// <param name="counts">For each subject the number of raters who chose each category.</param>
    /// <returns>Kappa; NaN if all ratings are of one category.</returns>
    /// <exception cref="ArgumentException">There are no subjects, or they differ in their number of categories or ratings.</exception>
    public static double Compute(IReadOnlyList<int[]> counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        var (categories, ratings) = counts.Count == 0 ? (0, 0) : (counts[0].Length, counts[0].Sum());
        if (ratings < 2)
            throw new ArgumentException("There are fewer than two ratings of a subject, expected at least two.", nameof(counts));
        foreach (var subject in counts)
        {
            if (subject.Length != categories || subject.Sum() != ratings || subject.Any(count => count < 0))
                throw new ArgumentException(
                    $"A subject has the counts {string.Join(", ", subject)}, expected {ratings} ratings in {categories} categories.",
                    nameof(counts));
        }

        double all = (double)counts.Count * ratings;
        var observed = counts.Average(subject => subject.Sum(count => (double)count * (count - 1)) / ((double)ratings * (ratings - 1)));
        var expected = Enumerable.Range(0, categories)
            .Select(category => counts.Sum(subject => (double)subject[category]) / all).Sum(share => share * share);
        return (observed - expected) / (1 - expected);
    }
}
