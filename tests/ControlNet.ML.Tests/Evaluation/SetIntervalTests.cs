using ControlNet.ML.Evaluation;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Evaluation;

/// <summary>The intervals of distances of sets.</summary>
public sealed class SetIntervalTests
{
    [Property(MaxTest = 30)]
    public void Manifolds_without_an_image_are_counted_as_if_it_had_never_been_there(byte seed, byte more, byte neighbours)
    {
        var random = new Random(seed);
        var k = 1 + (neighbours % 3);
        double[][] real = Draw(random, k + 2 + (more % 12), 2, 0), generated = Draw(random, k + 2 + (more % 7), 2, 0.3);
        var (realSet, generatedSet) = (MetricFixtures.Features(real), MetricFixtures.Features(generated));
        var (realBalls, generatedBalls) = (Neighbourhoods.Of(realSet, k), Neighbourhoods.Of(generatedSet, k));
        var (precision, density) = realBalls.Hold(generatedSet);

        Same(precision, all => all.Precision);
        Same(density, all => all.Density);
        Same(generatedBalls.Hold(realSet).Share, all => all.Recall);
        Same(realBalls.AreMet(generatedSet), all => all.Coverage);

        void Same(JackknifedMean found, Func<ManifoldAgreement, double> of)
        {
            var variance = Variance(real.Select((_, i) => of(ManifoldAgreement.Compute(Without(real, i), generatedSet, k))))
                + Variance(generated.Select((_, i) => of(ManifoldAgreement.Compute(realSet, Without(generated, i), k))));
            Close.Number(of(ManifoldAgreement.Compute(realSet, generatedSet, k)), found.Value, 1e-12, "the mean");
            Close.Number(Math.Sqrt(variance), found.Error, 1e-12, "the error");
        }
    }

    [Fact]
    public void The_influence_of_an_image_on_the_Frechet_distance_is_what_leaving_it_out_changes()
    {
        var random = new Random(2);
        double[][] real = Draw(random, 300, 3, 0), generated = Draw(random, 250, 3, 0.4);
        var (realSet, generatedSet) = (MetricFixtures.Features(real), MetricFixtures.Features(generated));
        var distance = FrechetDistance.Compute(realSet, generatedSet);
        var variance = Variance(real.Select((_, i) => FrechetDistance.Compute(Without(real, i), generatedSet).Value))
            + Variance(generated.Select((_, i) => FrechetDistance.Compute(realSet, Without(generated, i)).Value));

        var interval = distance.Interval!.Value;
        Close.Number(distance.Value, (interval.Low + interval.High) / 2, 1e-12, "the centre");
        Close.Number(2 * 1.96 * Math.Sqrt(variance), interval.High - interval.Low, 0.03 * (interval.High - interval.Low), "the width");
    }

    [Fact]
    public void A_Frechet_distance_of_few_images_or_of_constant_features_has_no_interval()
    {
        var random = new Random(3);
        double[][] rows = Draw(random, 5, 4, 0);
        Assert.NotNull(FrechetDistance.Compute(MetricFixtures.Features(rows), MetricFixtures.Features(Draw(random, 9, 4, 0))).Interval);
        Assert.Null(FrechetDistance.Compute(MetricFixtures.Features(rows[..4]), MetricFixtures.Features(rows)).Interval);
        var constant = MetricFixtures.Features(rows.Select(row => row[..2].Append(7.0).ToArray()));
        Assert.Null(FrechetDistance.Compute(constant, constant).Interval);
    }

    [Fact]
    public void A_kernel_distance_of_all_images_or_of_one_subset_has_no_interval()
    {
        var random = new Random(4);
        var (one, other) = (MetricFixtures.Features(Draw(random, 20, 2, 0)), MetricFixtures.Features(Draw(random, 30, 2, 1)));
        Assert.Null(KernelDistance.Compute(one, other, 10, 20).Interval);
        Assert.Null(KernelDistance.Compute(one, other, 1, 10).Interval);
        Assert.NotNull(KernelDistance.Compute(one, other, 2, 10).Interval);
    }

    [Fact]
    public void Intervals_hold_the_mean_of_many_draws()
    {
        const int draws = 100;
        var found = Enumerable.Range(0, draws).AsParallel().AsOrdered().Select(seed =>
        {
            var random = new Random(seed);
            return DistributionMetrics.Of(MetricFixtures.Features(Draw(random, 40, 3, 0)), MetricFixtures.Features(Draw(random, 50, 3, 0.5)));
        }).ToList();
        Func<DistributionMetrics, (double, ConfidenceInterval?)>[] quantities =
        [
            all => (all.Frechet.Value, all.Frechet.Interval), all => (all.Kernel.Mean, all.Kernel.Interval),
            all => (all.Manifold.Precision, all.Manifold.PrecisionInterval), all => (all.Manifold.Recall, all.Manifold.RecallInterval),
            all => (all.Manifold.Density, all.Manifold.DensityInterval), all => (all.Manifold.Coverage, all.Manifold.CoverageInterval),
        ];
        foreach (var of in quantities)
        {
            var mean = found.Average(each => of(each).Item1);
            var spread = Math.Sqrt(found.Average(each => Math.Pow(of(each).Item1 - mean, 2)));
            var intervals = found.Select(each => of(each).Item2!.Value).ToList();
            Assert.InRange(intervals.Count(interval => interval.Low <= mean && mean <= interval.High), 0.88 * draws, draws);
            Assert.InRange(intervals.Average(interval => interval.High - interval.Low) / (2 * 1.96 * spread), 0.8, 2);
        }
    }

    [Theory, InlineData(0.0, 0.0), InlineData(1.0, 0.0), InlineData(1.0, 0.1), InlineData(0.5, 0.3)]
    public void The_interval_of_a_share_has_a_width_and_stays_within_0_and_1(double share, double error)
    {
        var (low, high) = ConfidenceInterval.Share(share, error, 20);
        Assert.InRange(share, low, high);
        Assert.InRange(low, 0, high - 0.15);
        Assert.InRange(high, low, 1);
        var least = ConfidenceInterval.Share(share, 0, 20);
        Assert.True(high - low >= least.High - least.Low - 1e-12);
    }

    private static double[][] Draw(Random random, int count, int dimension, double shift) =>
        [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, dimension).Select(i => (random.NextDouble() + random.NextDouble()) * (i + 1) + shift).ToArray())];

    private static FeatureSet Without(double[][] rows, int row) => MetricFixtures.Features(rows.Where((_, i) => i != row));

    /// <summary>The jackknife's variance of the values that a statistic has without each image.</summary>
    private static double Variance(IEnumerable<double> left)
    {
        var values = left.ToArray();
        var mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) * (values.Length - 1) / values.Length;
    }
}
