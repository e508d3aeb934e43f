namespace ControlNet.ML.Evaluation;

/// <summary>The scale of ratings, which says how much two differ.</summary>
public enum RatingScale
{
    /// <summary>Names: two are the same or not.</summary>
    Nominal,

    /// <summary>Ranks: two differ by the number of ratings between them.</summary>
    Ordinal,

    /// <summary>Numbers: two differ by their distance.</summary>
    Interval,
}

/// <summary>
/// Krippendorff's alpha (Computing Krippendorff's Alpha-Reliability, 2011): how far raters agree beyond chance, with ratings missing.
/// </summary>
public static class KrippendorffAlpha
{
    /// <summary>Computes alpha: 1 for full agreement, 0 for that of chance, below 0 for less.</summary>
    /// <param name="ratings">For each rater the rating of each unit; NaN where one is missing.</param>
    /// <param name="scale">The scale.</param>
    /// <returns>Alpha; NaN if all ratings are equal.</returns>
    /// <exception cref="ArgumentException">Raters differ in their number of units, or no unit has two ratings.</exception>
    public static double Compute(IReadOnlyList<double[]> ratings, RatingScale scale)
    {
        ArgumentNullException.ThrowIfNull(ratings);
        if (ratings.Any(row => row.Length != ratings[0].Length))
            throw new ArgumentException(
                "Raters have different numbers of ratings, expected one for each unit, NaN where it is missing.", nameof(ratings));
        var units = Enumerable.Range(0, ratings.Count == 0 ? 0 : ratings[0].Length)
            .Select(unit => ratings.Select(row => row[unit]).Where(value => !double.IsNaN(value)).ToArray())
            .Where(unit => unit.Length > 1).ToList();
        if (units.Count == 0)
            throw new ArgumentException("No unit has two ratings, expected at least one that does.", nameof(ratings));
        double[] values = [.. units.SelectMany(unit => unit).Distinct().Order()];
        var coincidences = Coincidences(units, values);
        var every = Enumerable.Range(0, values.Length);
        double[] totals = [.. every.Select(c => every.Sum(k => coincidences[c, k]))];
        var all = totals.Sum();
        double observed = 0, expected = 0;
        for (var c = 0; c < values.Length; c++)
        {
            for (var k = 0; k < values.Length; k++)
            {
                var difference = Difference(scale, values, totals, c, k);
                observed += coincidences[c, k] * difference;
                expected += totals[c] * totals[k] * difference;
            }
        }

        return 1 - ((all - 1) * observed / expected);
    }

    /// <summary>How often two values were given to one unit, each unit weighted by 1 / (its ratings - 1).</summary>
    private static double[,] Coincidences(List<double[]> units, double[] values)
    {
        var coincidences = new double[values.Length, values.Length];
        foreach (var unit in units)
        {
            for (var i = 0; i < unit.Length; i++)
            {
                for (var j = 0; j < unit.Length; j++)
                {
                    if (i != j)
                        coincidences[Array.BinarySearch(values, unit[i]), Array.BinarySearch(values, unit[j])] += 1.0 / (unit.Length - 1);
                }
            }
        }

        return coincidences;
    }

    private static double Difference(RatingScale scale, double[] values, double[] totals, int c, int k)
    {
        switch (scale)
        {
            case RatingScale.Nominal:
                return c == k ? 0 : 1;
            case RatingScale.Interval:
                return (values[c] - values[k]) * (values[c] - values[k]);
            case RatingScale.Ordinal:
                // The ratings from one value to the other, of the two themselves half.
                var (from, to) = (Math.Min(c, k), Math.Max(c, k));
                var between = totals[from..(to + 1)].Sum() - ((totals[from] + totals[to]) / 2);
                return from == to ? 0 : between * between;
            default:
                throw new ArgumentOutOfRangeException(nameof(scale), scale, null);
        }
    }
}
