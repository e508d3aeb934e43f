using ControlNet.ML.Evaluation;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Evaluation;

/// <summary>Metrics of conditions that are annotated again: segmentation, depth, keypoints.</summary>
public sealed class ReconstructionMetricTests
{
    [Fact, Trait("Category", "Parity")]
    public void Segmentation_is_scored_from_the_confusion_of_all_images()
    {
        var expected = MetricFixtures.Expected("iou");
        var confusion = new SegmentationConfusion(6);
        for (var image = 0; image < 3; image++)
            confusion.Add(Map("label", image), Map("prediction", image));
        var rows = expected.GetProperty("confusion").EnumerateArray().SelectMany(MetricFixtures.Numbers);
        Assert.Equal(rows, Enumerable.Range(0, 36).Select(i => (double)confusion[i / 6, i % 6]));
        MetricFixtures.Same(expected.Numbers("per_class"), confusion.PerClass, "class", 1e-12);
        MetricFixtures.Same(
            ((string[])["mean", "pixel_accuracy", "mean_class_accuracy", "frequency_weighted", "mean_of_picture_means"]).Select(name => expected.Number(name)).ToArray(),
            [confusion.MeanIou, confusion.PixelAccuracy, confusion.MeanClassAccuracy, confusion.FrequencyWeightedIou, confusion.MeanOfImages], "number", 1e-12);

        static byte[] Map(string name, int image) => MetricFixtures.Arrays.Bytes(name).Slice(image * 12 * 16, 12 * 16).ToArray();
    }

    [Fact]
    public void Maps_that_cannot_be_compared_are_named()
    {
        var confusion = new SegmentationConfusion(2);
        Assert.Contains("expected classes from 0 to 1", Assert.Throws<ArgumentException>(() => confusion.Add([2], [0])).Message, StringComparison.Ordinal);
        Assert.Contains("1 and 2 pixels", Assert.Throws<ArgumentException>(() => confusion.Add([0], [0, 1])).Message, StringComparison.Ordinal);
        Assert.True(double.IsNaN(confusion.MeanIou));
        confusion.Add([255, 0], [7, 0]);
        Assert.Equal(1, confusion.MeanIou);
    }

    [Property(MaxTest = 50)]
    public void Depth_is_known_up_to_scale_and_shift(byte seed, byte scale, sbyte shift)
    {
        var random = new Random(seed);
        float[] expected = [.. Enumerable.Range(0, 50).Select(_ => (float)random.NextDouble())];
        var error = DepthError.Compute(expected, [.. expected.Select(value => (value * (scale + 1)) + shift)]);
        Assert.Equal(0, error.RootMeanSquare, 1e-3);
        Assert.Equal(1, error.Correlation, 1e-4);
    }

    [Fact]
    public void Depth_that_says_nothing_leaves_the_deviation()
    {
        Assert.Equal(1, DepthError.Compute([0, 2], [5, 5]).RootMeanSquare);
        Assert.Equal(new DepthError(0, -1), DepthError.Compute([0, 2], [2, 0]));
        Assert.Throws<ArgumentException>(() => DepthError.Compute([0], [float.NaN]));
    }

    [Fact]
    public void Keypoints_count_within_a_share_of_the_person()
    {
        (double, double)?[] person = [(0, 0), (0, 100), (10, 50), null];
        Assert.Equal(new KeypointAccuracy(2, 3), KeypointAccuracy.Compute(person, [(6, 8), (0, 111), (10, 50), (1, 1)]));
        Assert.Equal(new KeypointAccuracy(0, 3), KeypointAccuracy.Compute(person, [null, null, null, null]));
        Assert.Equal(0.5, (new KeypointAccuracy(1, 3) + new KeypointAccuracy(1, 1)).Share);
        Assert.Equal(default, KeypointAccuracy.Compute([null], [(1, 1)]));
    }
}
