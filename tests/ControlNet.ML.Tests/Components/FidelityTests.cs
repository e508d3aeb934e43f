using ControlNet.ML.Components;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Tests.Components;

/// <summary>Scores of rows as a column, and metrics of data.</summary>
public sealed class FidelityTests
{
    private readonly MLContext _ml = new(seed: 1);

    [Theory, InlineData(FidelityMetric.EdgeF1), InlineData(FidelityMetric.MaskIou)]
    public void Each_row_is_scored_and_the_pipeline_filters_by_it(FidelityMetric metric)
    {
        var data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(Row));
        var options = new FidelityComponentOptions { Tolerance = 1, BatchSize = 2 };
        var fitted = _ml.Transforms.ControlNet().Fidelity("Score", "Expected", "Found", metric, options).Fit(data);
        var scored = fitted.Transform(data);
        var expected = Enumerable.Range(0, 5).Select(id => (float)(metric == FidelityMetric.EdgeF1
            ? EdgeFidelity.Compare(Square(id, 0), Square(id, id), 1).F1
            : MaskOverlap.Iou(Square(id, 0), Square(id, id)))).ToArray();
        Assert.Equal(expected, scored.GetColumn<float>("Score"));
        Assert.Equal(1, expected[0]);
        Assert.InRange(expected[4], 0.01f, 0.99f);

        using var stream = new MemoryStream();
        _ml.Model.Save(fitted, data.Schema, stream);
        Assert.Equal(expected, new MLContext().Model.Load(stream, out _).Transform(data).GetColumn<float>("Score"));

        var good = _ml.Data.FilterRowsByColumn(scored, "Score", lowerBound: 0.7);
        Assert.Equal(expected.Count(score => score >= 0.7), good.GetColumn<float>("Score").Count());
        var metrics = _ml.ControlNet().EvaluateScores(scored, "Score");
        Assert.Equal(expected.Average(score => (double)score), metrics.Mean, 1e-6);
        Assert.True(metrics.Interval.Low < metrics.Mean && metrics.Mean < metrics.Interval.High);
        Assert.Equal((5, 0), (metrics.Count, metrics.Failed));
    }

    [Fact]
    public void A_row_that_failed_has_no_score_and_is_counted()
    {
        var rows = new[] { Row(1), Row(2) };
        rows[1].Found = new ImageBuffer(5, 5, 1).ToMLImage();
        var scored = _ml.Transforms.ControlNet().Fidelity("Score", "Expected", "Found", FidelityMetric.MaskIou).Fit(_ml.Data.LoadFromEnumerable(rows)).Transform(_ml.Data.LoadFromEnumerable(rows));
        Assert.True(float.IsNaN(scored.GetColumn<float>("Score").ElementAt(1)));
        Assert.Contains("20x20 and 'Found' one of 5x5", scored.GetColumn<string>("Error").ElementAt(1), StringComparison.Ordinal);
        Assert.Equal((1, 1), (_ml.ControlNet().EvaluateScores(scored, "Score").Count, _ml.ControlNet().EvaluateScores(scored, "Score").Failed));
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        var message = Assert.Throws<ControlNetException>(() => _ml.Transforms.ControlNet().Fidelity("S", "A", "B", FidelityMetric.EdgeF1, new() { Tolerance = -1 })).Message;
        Assert.Contains("Tolerance is -1", message, StringComparison.Ordinal);
        Assert.Contains("expected EdgeF1, MaskIou", Assert.Throws<ControlNetException>(() => _ml.Transforms.ControlNet().Fidelity("S", "A", "B", (FidelityMetric)9)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Features_of_two_tables_are_compared()
    {
        var random = new Random(1);
        var (real, fake) = (Features(30, 0), Features(20, 1));
        var metrics = _ml.ControlNet().EvaluateFeatures(real, fake, extractor: "resnet");
        Assert.True(metrics.Frechet.Value > 1 && metrics.Frechet.IsReliable && metrics.Kernel.Mean > 0.1);
        Assert.Equal(("resnet", 30, 20), (metrics.Manifold.Extractor, metrics.Frechet.RealCount, metrics.Frechet.GeneratedCount));
        Assert.Equal(0, _ml.ControlNet().EvaluateFeatures(real, real).Frechet.Value, 1e-9);
        Assert.Contains("no column 'Other'", Assert.Throws<ArgumentException>(() => _ml.ControlNet().EvaluateFeatures(real, fake, "Other")).Message, StringComparison.Ordinal);

        IDataView Features(int count, float shift) => _ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, count).Select(_ => new FeatureRow { Features = [.. Enumerable.Range(0, 4).Select(_ => (float)random.NextDouble() + shift)] }).ToList());
    }

    [Fact]
    public void Images_are_compared_with_their_prompts()
    {
        var data = _ml.Data.LoadFromEnumerable(new FeatureRow[]
        {
            new() { Features = [1, 0, 0, 0], Text = [2, 0, 0, 0] }, new() { Features = [1, 0, 0, 0], Text = [0, 1, 0, 0] },
            new() { Features = [float.NaN, float.NaN, float.NaN, float.NaN], Text = [0, 1, 0, 0] },
        });
        Assert.Equal([1, 0], _ml.ControlNet().EvaluateText(data, "Features", "Text").Cosines);
    }

    [Fact]
    public void Label_maps_are_compared()
    {
        var map = new ImageBuffer(2, 1, 1);
        (map.Samples[0], map.Samples[1]) = (1, 255);
        var data = _ml.Data.LoadFromEnumerable([new ImagePair { Expected = map.ToMLImage(), Found = new ImageBuffer(2, 1, 1).ToMLImage() }]);
        var confusion = _ml.ControlNet().EvaluateSegmentation(data, "Expected", "Found", 2);
        Assert.Equal((1, 0), (confusion[1, 0], confusion[0, 0]));
        Assert.Contains("is Image", Assert.Throws<ArgumentException>(() => _ml.ControlNet().EvaluateScores(data, "Found")).Message, StringComparison.Ordinal);
    }

    private static ImagePair Row(int id) => new() { Id = id, Expected = Square(id, 0).ToMLImage(), Found = Square(id, id).ToMLImage() };

    /// <summary>A filled square, moved to the right.</summary>
    private static ImageBuffer Square(int size, int shift)
    {
        var image = new ImageBuffer(20, 20, 1);
        for (var y = 3; y < 9 + size; y++)
            image.Samples.AsSpan((y * 20) + 2 + shift, 7).Fill(255);
        return image;
    }

    private sealed class ImagePair
    {
        public int Id { get; set; }

        [ImageType(20, 20)]
        public MLImage Expected { get; set; } = null!;

        [ImageType(20, 20)]
        public MLImage Found { get; set; } = null!;
    }

    private sealed class FeatureRow
    {
        [VectorType(4)]
        public float[] Features { get; set; } = [];

        [VectorType(4)]
        public float[] Text { get; set; } = [0, 0, 0, 0];
    }
}
