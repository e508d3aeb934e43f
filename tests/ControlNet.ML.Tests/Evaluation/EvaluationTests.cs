using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Evaluation;

public sealed class EvaluationTests
{
    [Property(MaxTest = 50)]
    public void Edges_agree_with_themselves_and_alike_both_ways(ushort seed, byte share)
    {
        var (a, b) = (Map(seed, share), Map(seed + 1, share));
        Assert.Equal(1, EdgeFidelity.Compare(a, a, 0).F1);
        var (there, back) = (EdgeFidelity.Compare(a, b), EdgeFidelity.Compare(b, a));
        Assert.Equal((there.Precision, there.Recall), (back.Recall, back.Precision));
        Assert.InRange(there.F1, 0, 1);
        Assert.True(EdgeFidelity.Compare(a, b, 3).F1 >= there.F1);
        Assert.Equal(1, MaskOverlap.Iou(a, a));
        Assert.Equal(MaskOverlap.Iou(a, b), MaskOverlap.Iou(b, a));
    }

    [Fact, Trait("Category", "Parity")]
    public void Edges_as_the_reference_counts_them()
    {
        Assert.SkipUnless(Fixtures.Has("metrics", "arrays.safetensors"), $"No metrics in {Fixtures.Root}.");
        var arrays = new ReferenceTensors(Fixtures.Path("metrics", "arrays.safetensors"));
        var expected = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("metrics", "results.json"))).RootElement.GetProperty("edges");

        // Its tolerance is a square of 3x3: a pixel and a diagonal.
        var (first, second, nothing) = (Edges("edges_a"), Edges("edges_b"), new ImageBuffer(48, 40, 1));
        Same("b_against_a", first, second);
        Same("nothing_against_a", first, nothing);
        Same("a_against_nothing", nothing, first);
        Same("nothing_against_nothing", nothing, nothing);

        void Same(string name, ImageBuffer reference, ImageBuffer edges)
        {
            var (found, wanted) = (EdgeFidelity.Compare(reference, edges, Math.Sqrt(2)), expected.GetProperty(name));
            Assert.Equal(wanted.GetProperty("precision").GetDouble(), found.Precision, 1e-12);
            Assert.Equal(wanted.GetProperty("recall").GetDouble(), found.Recall, 1e-12);
            Assert.Equal(wanted.GetProperty("f1").GetDouble(), found.F1, 1e-12);
        }

        ImageBuffer Edges(string name) => new(arrays.Shape(name)[1], arrays.Shape(name)[0], 1, arrays.Bytes(name).ToArray());
    }

    [Fact, Trait("Category", "Parity")]
    public void Likeness_as_the_reference_has_it()
    {
        Assert.SkipUnless(Fixtures.Has("metrics", "arrays.safetensors"), $"No metrics in {Fixtures.Root}.");
        var arrays = new ReferenceTensors(Fixtures.Path("metrics", "arrays.safetensors"));
        var expected = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("metrics", "results.json"))).RootElement.GetProperty("likeness");
        Same(expected.GetProperty("bytes"), "ssim_colour", Image("picture_a", 3), Image("picture_b", 3));
        Same(expected.GetProperty("grey"), "ssim", Image("grey_a", 1), Image("grey_b", 1));

        static void Same(System.Text.Json.JsonElement wanted, string ssim, ImageBuffer a, ImageBuffer b)
        {
            Assert.Equal(wanted.GetProperty(ssim).GetDouble(), StructuralSimilarity.Compare(a, b), 1e-9);
            Assert.Equal(wanted.GetProperty("psnr").GetDouble(), PeakSignalToNoise.Compare(a, b), 1e-9);
        }

        ImageBuffer Image(string name, int channels) => new(arrays.Shape(name)[1], arrays.Shape(name)[0], channels, arrays.Bytes(name).ToArray());
    }

    [Fact]
    public void Equal_images_are_as_like_as_can_be_and_one_sample_tells_them_apart()
    {
        var (a, b) = (new ImageBuffer(12, 11, 3), new ImageBuffer(12, 11, 3));
        Assert.Equal((1, double.PositiveInfinity), (StructuralSimilarity.Compare(a, b), PeakSignalToNoise.Compare(a, b)));
        Assert.Equal(new SampleDifferences(0, 0), SampleDifferences.Compare(a, b));
        b.Samples[100] = 255;
        Assert.Equal(new SampleDifferences(255, 1.0 / (12 * 11 * 3)), SampleDifferences.Compare(a, b));
        Assert.Equal(10 * Math.Log10(12 * 11 * 3), PeakSignalToNoise.Compare(a, b), 1e-12);
        Assert.InRange(StructuralSimilarity.Compare(a, b), 0.5, 0.9999);
        Assert.Throws<ArgumentException>(() => StructuralSimilarity.Compare(new ImageBuffer(10, 20, 1), new ImageBuffer(10, 20, 1)));
        Assert.Throws<ArgumentException>(() => StructuralSimilarity.Compare(a, new ImageBuffer(12, 11, 1)));
        Assert.Throws<ArgumentException>(() => PeakSignalToNoise.Compare(a, new ImageBuffer(11, 12, 3)));
        Assert.Throws<ArgumentException>(() => SampleDifferences.Compare(a, new ImageBuffer(11, 12, 3)));
    }

    [Theory, InlineData(2, 1), InlineData(3, 0)]
    public void A_line_counts_within_the_tolerance(int shift, double f1)
    {
        var (line, moved) = (new ImageBuffer(20, 20, 1), new ImageBuffer(20, 20, 1));
        for (var x = 0; x < 20; x++)
            (line.Samples[(8 * 20) + x], moved.Samples[((8 + shift) * 20) + x]) = (255, 255);
        Assert.Equal(f1, EdgeFidelity.Compare(line, moved).F1);
    }

    [Fact]
    public void Distance_is_as_the_crow_flies()
    {
        var (a, b) = (new ImageBuffer(9, 9, 1), new ImageBuffer(9, 9, 1));
        (a.Samples[40], b.Samples[40 + 18 + 2]) = (255, 255);
        Assert.Equal(0, EdgeFidelity.Compare(a, b, 2).F1);
        Assert.Equal(1, EdgeFidelity.Compare(a, b, 2.9).F1);
    }

    [Fact]
    public void Half_and_nothing()
    {
        var (half, whole, none) = (new ImageBuffer(4, 4, 1), new ImageBuffer(4, 4, 1), new ImageBuffer(4, 4, 1));
        Array.Fill(half.Samples, byte.MaxValue, 0, 8);
        Array.Fill(whole.Samples, byte.MaxValue);
        Assert.Equal(0.5, MaskOverlap.Iou(half, whole));
        Assert.Equal((0d, 1d), (MaskOverlap.Iou(none, whole), MaskOverlap.Iou(none, none)));
        Assert.Equal((1d, 0d), (EdgeFidelity.Compare(none, none).F1, EdgeFidelity.Compare(whole, none).F1));
    }

    [Fact]
    public void A_silhouette_has_its_holes_filled_and_a_noisy_ground_left_out()
    {
        var (image, expected) = (new ImageBuffer(40, 40, 3), new ImageBuffer(40, 40, 1));
        var random = new Random(1);
        for (var at = 0; at < 1600; at++)
        {
            var (x, y) = ((at % 40) - 20, (at / 40) - 20);
            var distance = Math.Sqrt((x * x) + (y * y));
            var isRing = distance is < 14 and > 6;
            expected.Samples[at] = distance < 14 ? byte.MaxValue : (byte)0;
            for (var c = 0; c < 3; c++)
                image.Samples[(3 * at) + c] = (byte)(isRing ? 30 : 180 + random.Next(-20, 20));
        }

        Assert.Equal(1, MaskOverlap.Iou(expected, MaskOverlap.Silhouette(image)));
    }

    [Fact]
    public void Maps_that_do_not_go_together_are_refused()
    {
        Assert.Throws<ArgumentException>(() => EdgeFidelity.Compare(new ImageBuffer(2, 2, 1), new ImageBuffer(2, 3, 1)));
        Assert.Throws<ArgumentException>(() => MaskOverlap.Iou(new ImageBuffer(2, 2, 1), new ImageBuffer(2, 2, 3)));
        Assert.Throws<ArgumentException>(() => MaskOverlap.Silhouette(new ImageBuffer(2, 2, 1)));
    }

    private static ImageBuffer Map(int seed, byte share)
    {
        var random = new Random(seed);
        var map = new ImageBuffer(12, 10, 1);
        foreach (ref var sample in map.Samples.AsSpan())
            sample = random.Next(256) < share ? byte.MaxValue : (byte)0;
        return map;
    }
}
