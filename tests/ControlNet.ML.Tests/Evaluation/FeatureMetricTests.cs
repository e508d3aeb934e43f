using ControlNet.ML.Evaluation;
using ControlNet.ML.Weights;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Evaluation;

/// <summary>Metrics of features and embeddings: FID, KID, precision and recall, CLIP score, aesthetic score.</summary>
public sealed class FeatureMetricTests
{
    private const double Root = 1e-6;

    [Fact, Trait("Category", "Parity")]
    public void Frechet_distance_is_that_of_the_symmetric_root()
    {
        var expected = MetricFixtures.Expected("fid");
        var (real, fake) = (MetricFixtures.Features("real"), MetricFixtures.Features("fake"));
        MetricFixtures.Same(expected.GetProperty("full").Number("symmetric"), FrechetDistance.Compute(real, fake).Value, "full", Root);
        MetricFixtures.Same(0, FrechetDistance.Compute(real, real).Value, "identical", Root);
        var few = FrechetDistance.Compute(MetricFixtures.Features("real", 10), MetricFixtures.Features("fake", 12));
        MetricFixtures.Same(expected.GetProperty("few").Number("symmetric"), few.Value, "few", Root);
        var constant = FrechetDistance.Compute(MetricFixtures.Features(Enumerable.Repeat(MetricFixtures.Rows("real")[0], 5)), fake);
        MetricFixtures.Same(expected.GetProperty("constant").Number("by_hand"), constant.Value, "constant", Root);
        Assert.Equal((true, false), (FrechetDistance.Compute(real, fake).IsReliable, few.IsReliable));
    }

    [Fact, Trait("Category", "Parity")]
    public void Kernel_distance_is_unbiased()
    {
        var expected = MetricFixtures.Expected("kid");
        var (real, fake) = (MetricFixtures.Features("real"), MetricFixtures.Features("fake"));
        var subsets = MetricFixtures.Indices("kid_subsets_real").Zip(MetricFixtures.Indices("kid_subsets_fake")).ToArray();
        var distance = KernelDistance.Compute(real, fake, subsets);
        MetricFixtures.Same(expected.Number("mean"), distance.Mean, "mean");
        MetricFixtures.Same(expected.Number("std"), distance.StandardDeviation, "deviation");
        MetricFixtures.Same(
            expected.Numbers("subsets"), [.. subsets.Select(subset => KernelDistance.Compute(real, fake, [subset]).Mean)], "subset");
        var all = KernelDistance.Compute(real, fake, [(Enumerable.Range(0, 200).ToArray(), Enumerable.Range(0, 300).ToArray())]);
        MetricFixtures.Same(expected.Number("all_rows"), all.Mean, "all rows");

        // A subset that is as large as the set: the same whatever the seed.
        Assert.Equal(
            KernelDistance.Compute(real, MetricFixtures.Features("fake", 200), 1, 1000).Mean,
            KernelDistance.Compute(real, MetricFixtures.Features("fake", 200), 1, 200, seed: 9).Mean, 1e-9);
        Assert.Equal(KernelDistance.Compute(real, fake, 5, 50, 3), KernelDistance.Compute(real, fake, 5, 50, 3));
    }

    [Theory, InlineData("prdc", 0.0, false), InlineData("prdc_same", 0.0, true), InlineData("prdc_far", 100.0, false), Trait("Category", "Parity")]
    public void Manifolds_agree_as_the_reference_counts_them(string section, double shift, bool same)
    {
        var expected = MetricFixtures.Expected(section);
        var real = MetricFixtures.Features("real");
        var fake = MetricFixtures.Features(MetricFixtures.Rows(same ? "real" : "fake").Select(row => row.Select(value => value + shift).ToArray()));
        var found = ManifoldAgreement.Compute(real, fake, neighbours: 3);
        MetricFixtures.Same(
            ((string[])["precision", "recall", "density", "coverage"]).Select(name => expected.Number(name)).ToArray(),
            [found.Precision, found.Recall, found.Density, found.Coverage], section, 1e-12);
    }

    [Fact, Trait("Category", "Parity")]
    public void Clip_score_in_its_three_forms()
    {
        var expected = MetricFixtures.Expected("clip");
        var score = ClipScore.Compute(MetricFixtures.Features("clip_image"), MetricFixtures.Features("clip_text"));
        MetricFixtures.Same(expected.Numbers("cosine"), score.Cosines, "cosine");
        MetricFixtures.Same(expected.Number("paper_form_mean"), score.Mean, "mean");
        MetricFixtures.Same(expected.Number("score_100_mean"), score.Score100, "score");
        MetricFixtures.Same(expected.Number("clipscore_w_2.5_mean"), score.Published, "CLIPScore");
    }

    [Fact, Trait("Category", "Parity")]
    public void Aesthetic_score_is_one_linear_map()
    {
        var expected = MetricFixtures.Expected("aesthetic");
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder.File("head.safetensors"), MetricFixtures.Arrays.Names.Where(name => name.StartsWith("aesthetic.", StringComparison.Ordinal)).Select(
            name => TensorContent.FromBytes(name, TensorType.F64, [.. MetricFixtures.Arrays.Shape(name)], MetricFixtures.Arrays.Bytes(name).ToArray())));
        var head = AestheticScore.Load(folder.File("head.safetensors"));
        MetricFixtures.Same(expected.Numbers("scores"), [.. MetricFixtures.Rows("clip_image").Select(row => head.Of(row))], "score");
        Assert.Contains("of another CLIP?", Assert.Throws<ArgumentException>(() => head.Of([1, 2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_aesthetic_predictor_are_refused()
    {
        using var folder = new TemporaryFolder();
        Refused("no layers", TensorContent.FromFloats("x", new float[2], 2));
        Refused("'0.weight' [2, 3]", TensorContent.FromFloats("0.weight", new float[6], 2, 3), TensorContent.FromFloats("0.bias", new float[2], 2));
        Refused("'0.weight' [1, 3]", TensorContent.FromFloats("0.weight", new float[3], 1, 3));

        void Refused(string found, params TensorContent[] tensors)
        {
            SafetensorsWriter.Write(folder.File("x.safetensors"), tensors);
            var message = Assert.Throws<ControlNetException>(() => AestheticScore.Load(folder.File("x.safetensors"))).Message;
            Assert.Contains($"has {found}, expected an aesthetic predictor", message, StringComparison.Ordinal);
        }
    }

    [Property(MaxTest = 30)]
    public void Frechet_distance_is_symmetric_and_not_changed_by_a_shift_of_both(byte seed, byte size)
    {
        var random = new Random(seed);
        double[][] a = Draw(size + 2), b = Draw(size + 3);
        var distance = FrechetDistance.Compute(MetricFixtures.Features(a), MetricFixtures.Features(b)).Value;
        MetricFixtures.Same(distance, FrechetDistance.Compute(MetricFixtures.Features(b), MetricFixtures.Features(a)).Value, "the other way round", Root);
        MetricFixtures.Same(distance, FrechetDistance.Compute(Shifted(a), Shifted(b)).Value, "shifted", Root);
        Assert.True(distance > -Root);

        double[][] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, 4).Select(_ => random.NextDouble()).ToArray())];

        static FeatureSet Shifted(double[][] rows) => MetricFixtures.Features(rows.Select(row => row.Select(value => value + 7).ToArray()));
    }

    [Fact]
    public void Features_of_different_extractors_never_mix()
    {
        var (one, other) = (MetricFixtures.Features([[1, 2], [3, 4]], "inception"), MetricFixtures.Features([[1, 2], [3, 4]], "clip"));
        Action[] comparisons =
        [
            () => FrechetDistance.Compute(one, other), () => KernelDistance.Compute(one, other),
            () => ManifoldAgreement.Compute(one, other, 1), () => ClipScore.Compute(one, other),
        ];
        Assert.All(comparisons, compare => Assert.Contains("'inception' and 'clip'", Assert.Throws<ArgumentException>(compare).Message, StringComparison.Ordinal));
        Assert.Equal("inception", FrechetDistance.Compute(one, one).Extractor);
    }

    [Fact]
    public void Features_that_cannot_be_used_are_named()
    {
        var set = new FeatureSet(2);
        set.Add([1f, 2f]);
        Assert.Contains("Feature 1 of image 1 is NaN", Assert.Throws<ArgumentException>(() => set.Add([1, double.NaN])).Message, StringComparison.Ordinal);
        Assert.Contains("has 3 features, expected 2", Assert.Throws<ArgumentException>(() => set.Add([1, 2, 3.0])).Message, StringComparison.Ordinal);
        Assert.Contains("expected at least 2 of each", Assert.Throws<ArgumentException>(() => FrechetDistance.Compute(set, set)).Message, StringComparison.Ordinal);
        Assert.Contains("expected at least 4 of each", Assert.Throws<ArgumentException>(() => ManifoldAgreement.Compute(set, set)).Message, StringComparison.Ordinal);
        Assert.Contains("is zero", Assert.Throws<ArgumentException>(() => ClipScore.Compute(set, MetricFixtures.Features([[0, 0]]))).Message, StringComparison.Ordinal);
    }
}
