using System.Security.Cryptography;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Annotators;

/// <summary>What forms do with images of sizes that the references do not have.</summary>
public class PreparationTests
{
    private static readonly OnnxPort Open = new("input", OnnxElement.Single, [1, 3, -1, -1]);

    [Theory]
    [InlineData(112, 112, 112, 112)]
    [InlineData(30, 20, 30, 30)]
    [InlineData(21, 30, 30, 30)]
    public void Hed_sees_a_picture_at_its_own_size_in_a_black_square(int width, int height, int seenWidth, int seenHeight)
    {
        var image = Image(width, height);
        var hed = Form(SoftEdgeAnnotator.Hed(new LearnedSoftEdgeOptions()), "hed");
        var seen = hed.Prepare(image, Open);
        Assert.Equal([1, 3, seenHeight, seenWidth], seen.Shape);
        var (left, top) = ((seenWidth - width) / 2, (seenHeight - height) / 2);
        for (var i = 0; i < seen.Values.Length; i++)
        {
            var (c, y, x) = (i / (seenWidth * seenHeight), i / seenWidth % seenHeight, i % seenWidth);
            var inside = x >= left && x < left + width && y >= top && y < top + height;
            Assert.Equal(inside ? image.Samples[(3 * (((y - top) * width) + x - left)) + c] / 255f : 0, seen.Values[i]);
        }

        // What the network gives is cut to the image again.
        var edges = Enumerable.Range(0, seenWidth * seenHeight).Select(i => (i % 251) / 255f).ToArray();
        var map = hed.Read([new OnnxValue(Open with { Shape = [1, 1, -1, -1] }, edges, [])], seen.Shape, image);
        Assert.Equal((width, height), (map.Width, map.Height));
        for (var i = 0; i < map.Samples.Length; i++)
            Assert.Equal((byte)(edges[((top + (i / width)) * seenWidth) + left + (i % width)] * 255), map.Samples[i]);
    }

    [Theory]
    [InlineData(128, 128, 192)]
    [InlineData(320, 320, 448)]
    public void An_explicit_resolution_is_kept_to(int resolution, int height, int width)
    {
        var hed = Form(SoftEdgeAnnotator.Hed(new LearnedSoftEdgeOptions { Resolution = resolution }), "hed");
        Assert.Equal([1, 3, height, width], hed.Prepare(Image(176, 120), Open).Shape);
    }

    [Fact]
    public void Each_form_whose_size_the_graph_leaves_open_has_the_one_it_was_published_with()
    {
        var (edges, image) = (new LearnedSoftEdgeOptions(), Image(176, 120));
        Check("hed-projections", SoftEdgeAnnotator.Hed(edges), 768, 512);
        Check("pidinet", SoftEdgeAnnotator.PidiNet(edges), 768, 512);
        Check("pidinet-fused", SoftEdgeAnnotator.PidiNet(edges), 640, 480);
        Check("dpt-hybrid-midas", DepthAnnotator.Midas(false), 384, 384);
        Check("midas-v21", DepthAnnotator.Midas(false), 384, 384);
        Check("depth-fp16", DepthAnnotator.Midas(false), 512, 512);
        Check("depth-anything-v1", DepthAnnotator.DepthAnything(false), 518, 518);
        Check("depth-anything-v2", DepthAnnotator.DepthAnything(false), 518, 518);
        Check("depth-anything-hf", DepthAnnotator.DepthAnything(false), 518, 350);
        Check("logits", SegmentationAnnotator.All(512), 512, 512);
        Check("uniformer", SegmentationAnnotator.All(512), 768, 768);
        Check("rmbg", ForegroundAnnotator.All, 1024, 1024);
        Check("u2net", ForegroundAnnotator.All, 320, 320);

        void Check(string name, IReadOnlyList<Annotator> forms, int width, int height) =>
            Assert.Equal((name, width, height), (name, Form(forms, name).Prepare(image, Open).Shape[3], Form(forms, name).Prepare(image, Open).Shape[2]));
    }

    [Theory]
    [InlineData(128, 64, 192, 384, 192, "83BFE7A85EDBBACB")]
    [InlineData(64, 100, 128, 128, 192, "8DE78FD8D4EA1AE9")]
    public void Flat_patches_of_line_art_truncate_as_opencvs_do(int width, int height, int resolution, int mapWidth, int mapHeight, string hash)
    {
        // Levels from 0 to 255 in patches of 64, as -1 to 1; the map of OpenCV's resize as SHA-256.
        var annotator = new LineArtAnimeAnnotator(resolution);
        var image = Image(width, height);
        var seen = annotator.Prepare(image, Open).Shape;
        var drawing = new float[seen[2] * seen[3]];
        for (var i = 0; i < drawing.Length; i++)
            drawing[i] = ((((37 * (i % seen[3] / 64)) + (91 * (i / seen[3] / 64))) % 256) / 127.5f) - 1;
        var map = annotator.Read([new OnnxValue(Open with { Shape = [1, 1, -1, -1] }, drawing, [])], seen, image);
        Assert.Equal((mapWidth, mapHeight), (map.Width, map.Height));
        Assert.Equal(hash, Convert.ToHexString(SHA256.HashData(map.Samples))[..16]);
    }

    private static Annotator Form(IReadOnlyList<Annotator> forms, string name) => forms.Single(form => form.Name == name);

    private static ImageBuffer Image(int width, int height)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)(i * 7);
        return image;
    }
}
