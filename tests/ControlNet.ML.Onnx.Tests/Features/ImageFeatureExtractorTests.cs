using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Features;

public sealed class ImageFeatureExtractorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, 8, false, "imagenet")]
    [InlineData(3, 8, false, "inception")]
    [InlineData(null, null, false, "clip")]
    [InlineData(null, 8, true, "clip")]
    [InlineData(4, 16, true, "imagenet")]
    public void Features_are_those_of_each_image_as_it_is_prepared(int? batch, int? side, bool channelsLast, string preparation)
    {
        var images = Enumerable.Range(0, 7).Select(i => Plain(20 + i, 30, (byte)(i * 30), 100, (byte)(255 - i))).ToList();
        using var extractor = Open(FeatureGraphs.Means(batch, side, channelsLast), preparation);
        List<int> done = [];

        var set = extractor.Extract(images, new Listed(done), TestContext.Current.CancellationToken);

        Assert.Equal((7, 3, 3), (set.Count, set.Dimension, extractor.Dimension));
        Assert.Equal(Enumerable.Range(1, 7), done);
        var (mean, deviation) = (FeaturePreparation.Find(preparation).Images.Mean, FeaturePreparation.Find(preparation).Images.Deviation);
        for (var i = 0; i < images.Count; i++)
        {
            for (var c = 0; c < 3; c++)
                Close.Number(((images[i].Samples[c] / 255.0) - mean[c]) / deviation[c], set[i][c], 1e-3, $"feature {c} of image {i}");
        }
    }

    [Fact]
    public void The_centre_is_cut_out_of_an_image_that_is_wider_than_the_graph()
    {
        // Red at both sides, green in the middle: the sides are more than the graph sees.
        var image = Plain(90, 30, 255, 0, 0);
        for (var y = 0; y < 30; y++)
        {
            for (var x = 25; x < 65; x++)
                (image.Samples[3 * ((y * 90) + x)], image.Samples[(3 * ((y * 90) + x)) + 1]) = (0, 255);
        }

        using var centre = Open(FeatureGraphs.Means(), "clip");
        using var whole = Open(FeatureGraphs.Means(), "inception");
        Assert.True(centre.Run([image])[0][0] < (-0.48 / 0.27) + 0.1);
        Assert.InRange(whole.Run([image])[0][0], -0.3, 0.3);
        using var large = Open(FeatureGraphs.Means(side: 512), "clip");
        Assert.Contains("too narrow", Assert.Throws<ControlNetException>(() => large.Run([new ImageBuffer(60_000, 1, 3)])).Message);
    }

    [Fact]
    public void Numbers_of_different_extractors_are_not_compared()
    {
        var images = Enumerable.Range(0, 5).Select(i => Plain(8, 8, (byte)(i * 9), 0, 3)).ToList();
        using var first = Open(FeatureGraphs.Means(), "clip");
        using var prepared = Open(FeatureGraphs.Means(), "imagenet");
        using var other = Open(FeatureGraphs.Means(operation: "Exp"), "clip");
        Assert.Matches("^features.onnx sha256:[0-9a-f]{12}, clip$", first.Name);
        Close.Number(0, FrechetDistance.Compute(first.Extract(images), first.Extract(images)).Value, 1e-6, "the distance");
        foreach (var stranger in new[] { prepared, other })
            Assert.Contains("expected one", Assert.Throws<ArgumentException>(() => FrechetDistance.Compute(first.Extract(images), stranger.Extract(images))).Message);
    }

    [Fact]
    public void Images_are_read_as_they_are_needed_and_reading_stops_when_cancelled()
    {
        using var extractor = Open(FeatureGraphs.Means(), "inception", batch: 2);
        var (read, most) = (0, 0);
        using var cancellation = new CancellationTokenSource();
        var seen = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in extractor.Each(Source(), cancellation.Token))
            {
                most = Math.Max(most, read - ++seen);
                if (seen == 21)
                    cancellation.Cancel();
            }
        });
        Assert.InRange(most, 1, 4);
        Assert.InRange(read, 21, 26);

        // A reader that stops early leaves no thread behind that still reads.
        foreach (var _ in extractor.Each(Source(), TestContext.Current.CancellationToken))
            break;

        IEnumerable<ImageBuffer> Source()
        {
            while (true)
            {
                read++;
                yield return Plain(8, 8, 1, 2, 3);
            }
        }
    }

    [Fact]
    public void A_feature_that_is_no_number_is_named()
    {
        using var extractor = Open(FeatureGraphs.Means(operation: "Log"), "inception");
        var images = new[] { Plain(8, 8, 250, 250, 250), Plain(8, 8, 250, 250, 250), Plain(8, 8, 250, 3, 250) };
        Assert.Contains("feature 1 of image 2 is NaN", Assert.Throws<ControlNetException>(() => extractor.Extract(images)).Message);
    }

    [Fact]
    public void Graphs_that_are_no_extractors_are_refused()
    {
        Assert.Contains("expected a vector for each image", Message(() => Open(FeatureGraphs.Means(isMap: true), "clip")));
        Assert.Contains("expected one input of images", Message(() => Open(FeatureGraphs.Text(), "clip")));
        Assert.Contains("has no output 'x', expected 'features'", Message(() =>
            ImageFeatureExtractor.Open(_folder.Write("f.onnx", FeatureGraphs.Means()), new() { Output = "x" })));
        Assert.Contains("There is no preparation 'clop', expected 'imagenet', 'clip' or 'inception'", Message(() => FeaturePreparation.Find("clop")));
        Assert.Throws<ArgumentOutOfRangeException>(() => Open(FeatureGraphs.Means(), "clip", batch: 0));

        static string Message(Action action) => Assert.Throws<ControlNetException>(action).Message;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_clip_score_is_the_cosine_of_both_embeddings(bool hasMask)
    {
        using var clip = ClipEmbedder.Open(_folder.Write("image.onnx", FeatureGraphs.Means()), _folder.Write("text.onnx", FeatureGraphs.Text(hasMask)));
        ImageBuffer[] images = [Plain(8, 8, 200, 100, 50), Plain(9, 8, 20, 100, 250)];

        var score = clip.Score(images, ["a fox", "a red apple"], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("image.onnx sha256:", clip.Name);
        Assert.Contains("text.onnx sha256:", clip.Name);
        for (var i = 0; i < 2; i++)
        {
            var (a, b) = (clip.Images.Run([images[i]])[0], clip.EmbedText(i == 0 ? "a fox" : "a red apple"));
            var cosine = a.Zip(b).Sum(pair => pair.First * pair.Second) / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));
            Close.Number(cosine, score.Cosines[i], 1e-5, "the cosine");
        }

        // Without its mask, the padding counts: that of "a fox" is one token longer.
        Assert.Equal(hasMask, clip.EmbedText("a fox")[0] < clip.EmbedText("a red apple")[0]);
        Assert.Throws<ArgumentException>(() => clip.Score(images, ["one"], cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Encoders_that_do_not_belong_together_are_named()
    {
        var image = _folder.Write("image.onnx", FeatureGraphs.Means());
        using var clip = ClipEmbedder.Open(image, _folder.Write("text.onnx", FeatureGraphs.Text(length: 2)));
        Assert.Contains("expected the two encoders of one CLIP", Assert.Throws<ControlNetException>(() => clip.Compare([1f, 2f, 3f], "x")).Message);
        Assert.Contains("has no input input_ids", Assert.Throws<ControlNetException>(() => ClipEmbedder.Open(image, image)).Message);
    }

    private ImageFeatureExtractor Open(byte[] graph, string preparation, int batch = 2) => ImageFeatureExtractor.Open(
        _folder.Write("features.onnx", graph), new() { Preparation = FeaturePreparation.Find(preparation), BatchSize = batch });

    private static ImageBuffer Plain(int width, int height, byte red, byte green, byte blue)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var i = 0; i < image.Samples.Length; i += 3)
            (image.Samples[i], image.Samples[i + 1], image.Samples[i + 2]) = (red, green, blue);
        return image;
    }

    private sealed class Listed(List<int> done) : IProgress<int>
    {
        public void Report(int value) => done.Add(value);
    }
}
