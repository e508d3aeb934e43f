using System.Text.Json;
using ControlNet.ML.Evaluation;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Evaluation;

/// <summary>Metrics of user studies: average human ranking, agreement of raters, which of two made an image.</summary>
public sealed class StudyMetricTests
{
    [Fact, Trait("Category", "Parity")]
    public void Average_human_ranking_with_intervals_over_raters()
    {
        var expected = MetricFixtures.Expected("ahr");
        var found = AverageHumanRank.Compute(Rankings(), MetricFixtures.Indices("bootstrap"));
        MetricFixtures.Same(expected.Numbers("mean"), [.. found.Select(rank => rank.Mean)], "mean");
        MetricFixtures.Same(expected.Numbers("std_over_raters"), [.. found.Select(rank => rank.StandardDeviation)], "deviation");
        MetricFixtures.Same(expected.Numbers("bootstrap_low"), [.. found.Select(rank => rank.Interval.Low)], "low");
        MetricFixtures.Same(expected.Numbers("bootstrap_high"), [.. found.Select(rank => rank.Interval.High)], "high");

        // Its own resamples give about the same interval, and always the same one.
        var own = AverageHumanRank.Compute(Rankings(), seed: 1);
        Assert.Equal(own, AverageHumanRank.Compute(Rankings(), seed: 1));
        Assert.All(own.Zip(found), pair => Assert.Equal(pair.First.Interval.Low, pair.Second.Interval.Low, 0.1));
    }

    [Fact, Trait("Category", "Parity")]
    public void Agreement_is_that_of_the_published_examples_and_the_reference()
    {
        var expected = MetricFixtures.Expected("agreement");
        var published = expected.GetProperty("published");
        MetricFixtures.Same(published.Number("fleiss"), FleissKappa.Compute(Counts(published)), "published kappa");
        MetricFixtures.Same(expected.Number("fleiss"), FleissKappa.Compute(Counts(expected)), "kappa");
        foreach (var scale in Enum.GetValues<RatingScale>())
        {
            var name = scale.ToString().ToLowerInvariant();
            MetricFixtures.Same(published.GetProperty("krippendorff").Number(name), KrippendorffAlpha.Compute(Ratings(published, "krippendorff_data"), scale), $"published {name}");
            MetricFixtures.Same(expected.GetProperty("krippendorff").Number(name), KrippendorffAlpha.Compute(Ratings(expected, "ratings"), scale), name);
        }

        static int[][] Counts(JsonElement of) => [.. of.GetProperty("fleiss_counts").EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetInt32()).ToArray())];

        static double[][] Ratings(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(MetricFixtures.Numbers)];
    }

    [Fact, Trait("Category", "Parity")]
    public void Which_of_two_made_an_image()
    {
        var expected = MetricFixtures.Expected("which");
        bool[][] right = [.. MetricFixtures.Rows("which_right").Select(row => row.Select(value => value == 1).ToArray())];
        var found = RaterPrecision.Compute(right, MetricFixtures.Indices("which_bootstrap"));
        MetricFixtures.Same(expected.Numbers("per_rater"), found.PerRater, "rater");
        MetricFixtures.Same(
            ((string[])["mean", "std_over_raters_n", "std_over_raters_n-1", "standard_error"]).Select(name => expected.Number(name)).ToArray(),
            [found.Mean, found.StandardDeviation, found.SampleStandardDeviation, found.StandardError], "number");
        MetricFixtures.Same(expected.Numbers("bootstrap_95"), [found.Interval.Low, found.Interval.High], "interval");
    }

    [Property(MaxTest = 50)]
    public void Raters_who_agree_have_alpha_and_kappa_of_one(byte seed, byte raters)
    {
        var random = new Random(seed);
        double[] ratings = [1, 2, .. Enumerable.Range(0, 8).Select(_ => (double)random.Next(1, 5))];
        var rows = Enumerable.Repeat(ratings, 2 + (raters % 6)).ToArray();
        Assert.All(Enum.GetValues<RatingScale>(), scale => Assert.Equal(1, KrippendorffAlpha.Compute(rows, scale), 1e-12));
        Assert.Equal(1, FleissKappa.Compute([.. ratings.Select(rating => Enumerable.Range(1, 4).Select(c => c == rating ? rows.Length : 0).ToArray())]), 1e-12);
    }

    [Fact]
    public void Answers_that_are_none_are_named()
    {
        Assert.Contains("A ranking is 1, 1", Assert.Throws<ArgumentException>(() => AverageHumanRank.Compute([[[1, 1]]])).Message, StringComparison.Ordinal);
        Assert.Contains("has ranked nothing", Assert.Throws<ArgumentException>(() => AverageHumanRank.Compute([[]])).Message, StringComparison.Ordinal);
        Assert.Contains("has given no answer", Assert.Throws<ArgumentException>(() => RaterPrecision.Compute([[]])).Message, StringComparison.Ordinal);
        Assert.Contains("expected 2 ratings in 2 categories", Assert.Throws<ArgumentException>(() => FleissKappa.Compute([[1, 1], [2, 1]])).Message, StringComparison.Ordinal);
        Assert.Contains("No unit has two ratings", Assert.Throws<ArgumentException>(() => KrippendorffAlpha.Compute([[1], [double.NaN]], RatingScale.Nominal)).Message, StringComparison.Ordinal);
    }

    private static int[][][] Rankings()
    {
        var (values, shape) = (MetricFixtures.Arrays.Doubles("rankings"), MetricFixtures.Arrays.Shape("rankings"));
        return [.. Enumerable.Range(0, shape[0]).Select(rater => Enumerable.Range(0, shape[1]).Select(group => Enumerable.Range(0, shape[2])
            .Select(method => (int)values[(((rater * shape[1]) + group) * shape[2]) + method]).ToArray()).ToArray())];
    }
}
