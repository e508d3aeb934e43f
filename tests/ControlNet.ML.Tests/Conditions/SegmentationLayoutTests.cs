using System.Text;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>Segmentation maps from boxes, polygons and labels.</summary>
public class SegmentationLayoutTests
{
    [Fact]
    public void Boxes_and_polygons_cover_what_they_say_and_later_ones_lie_in_front()
    {
        var layout = Parse("""
            { "width": 6, "height": 4, "background": "sky", "regions": [
              { "label": "sea", "box": [0, 2, 6, 4] }, { "label": 12, "box": [1, 1, 3, 3] }, { "label": "mountain", "polygon": [[4, 0], [6, 0], [6, 2]] } ] }
            """);
        var labels = layout.Palette.ToLabels(layout.Draw());
        byte[] expected =
        [
            2, 2, 2, 2, 16, 16,
            2, 12, 12, 2, 2, 16,
            26, 12, 12, 26, 26, 26,
            26, 26, 26, 26, 26, 26,
        ];
        Assert.Equal(expected, labels.Samples);
    }

    [Property]
    public void Drawing_larger_is_each_pixel_larger(byte left, byte top, byte wide, byte high, byte times)
    {
        var layout = new SegmentationLayout
        {
            Width = 20,
            Height = 16,
            Background = 2,
            Regions = [SegmentationRegion.Box(12, left % 20, top % 16, (left % 20) + (wide % 30), (top % 16) + (high % 30))],
        };
        var factor = 1 + (times % 4);
        var small = layout.Draw();
        var large = layout.Draw(20 * factor, 16 * factor);
        Assert.Equal(Resize.Apply(small, 20 * factor, 16 * factor, Interpolation.Nearest).Samples, large.Samples);
    }

    [Fact]
    public void Coco_annotations_are_read_by_their_categories()
    {
        var json = """
            { "images": [{ "id": 7, "width": 4, "height": 2 }, { "id": 8, "width": 9, "height": 9 }], "categories": [{ "id": 1, "name": "person" }, { "id": 3, "name": "car" }],
              "annotations": [{ "image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2] }, { "image_id": 8, "category_id": 1, "bbox": [0, 0, 9, 9] },
                              { "image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1], "segmentation": [[3, 0, 4, 0, 4, 1, 3, 1]] }] }
            """;
        var layout = SegmentationLayoutFile.Parse(Encoding.UTF8.GetBytes(json), "coco.json", imageId: 7);
        Assert.Same(SegmentationPalette.CocoPanoptic, layout.Palette);
        Assert.Equal([2, 2, 255, 0, 2, 2, 255, 255], Labels(layout));
        Assert.Contains("describes 2 images", Assert.Throws<ControlNetException>(() => SegmentationLayoutFile.Parse(Encoding.UTF8.GetBytes(json), "coco.json")).Message);
        Assert.Contains("no image 9", Assert.Throws<ControlNetException>(() => SegmentationLayoutFile.Parse(Encoding.UTF8.GetBytes(json), "coco.json", 9)).Message);

        // Black is no class, so that what nothing covers comes back as none.
        static byte[] Labels(SegmentationLayout layout) => layout.Palette.ToLabels(layout.Draw()).Samples;
    }

    [Theory]
    [InlineData("7", "\"7\"", "\"a\"", "\"a\"")]
    [InlineData("\"7\"", "7", "3", "\"3\"")]
    [InlineData("\"image/x.jpg\"", "\"image/x.jpg\"", "3.0", "3")]
    public void Ids_may_be_texts(string image, string imageOf, string category, string categoryOf)
    {
        var json = $$"""
            { "images": [{ "id": {{image}}, "width": 2, "height": 1 }], "categories": [{ "id": {{category}}, "name": "car" }],
              "annotations": [{ "image_id": {{imageOf}}, "category_id": {{categoryOf}}, "bbox": [0, 0, 1, 1] }] }
            """;
        var layout = Parse(json);
        Assert.Equal([2, 255], layout.Palette.ToLabels(layout.Draw()).Samples);
    }

    [Theory]
    [InlineData("""{"images":[{"id":1,"width":64,"height":64}],"categories":[{"id":1,"name":"person"}],"annotations":[7]}""", "annotation 1 is 7, expected an object")]
    [InlineData("""{"images":[{"id":1,"width":64,"height":64}],"categories":[{"id":1,"name":"person"}],"annotations":[{"category_id":null}]}""", "'category_id' of annotation 1 is null")]
    [InlineData("""{"images":[{"id":[],"width":64,"height":64}],"categories":[],"annotations":[]}""", "'id' of the image is a list of 0")]
    [InlineData("""{"images":[{"id":1,"width":64,"height":64}],"categories":[{"id":1,"name":"person"},{"id":"1","name":"car"}],"annotations":[]}""", "two categories have the id '1'")]
    [InlineData("""{"images":[3],"categories":[],"annotations":[]}""", "the image is 3, expected an object")]
    [InlineData("""{"images":[{"width":4,"height":4}],"categories":[{"id":1,"name":"person"},7],"annotations":[]}""", "category 2 is 7, expected an object")]
    [InlineData("""{"images":[{"width":4,"height":4}],"categories":[],"annotations":[{}]}""", "annotation 1 has no 'category_id'")]
    [InlineData("""{"images":[{"width":4,"height":4}],"categories":[{"id":1,"name":"person"}],"annotations":[{"category_id":1}]}""", "annotation 1 has no 'bbox'")]
    [InlineData("""{"images":[{"width":4,"height":4}],"categories":[{"id":1,"name":"person"}],"annotations":[{"category_id":1,"bbox":"x"}]}""", ": the bbox of annotation 1 is the string")]
    [InlineData("""{"images":{},"categories":[],"annotations":[]}""", "'images' is an object, expected a list")]
    public void What_is_wrong_in_coco_is_named(string json, string because) =>
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => Parse(json)).Message);

    [Theory]
    [InlineData("""{ "height": 2, "regions": [] }""", "no 'width'")]
    [InlineData("""{ "width": 0, "height": 2, "regions": [] }""", "'width' of the layout is 0")]
    [InlineData("""{ "width": 60000, "height": 60000, "regions": [] }""", "60000x60000")]
    [InlineData("""{ "width": 2, "height": 2 }""", "no 'regions'")]
    [InlineData("""{ "width": 2, "height": 2, "palette": "x", "regions": [] }""", "no palette 'x'")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "box": [0, 0, 1, 1] }] }""", "region 1 has no 'label'")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": "sky" }] }""", "neither 'box' nor 'polygon'")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": "skye", "box": [0, 0, 1, 1] }] }""", "Did you mean 'sky'")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": 150, "box": [0, 0, 1, 1] }] }""", "no class '150'")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": "sky", "box": [1, 0, 0, 1] }] }""", "expected left, top, right, bottom")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": "sky", "box": [1, 0, "x", 1] }] }""", "finite numbers")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [{ "label": "sky", "polygon": [[1, 0], [0, 1]] }] }""", "at least three corners")]
    [InlineData("""{ "width": 2, "height": 2, "regions": [1] }""", "region 1 has no 'label'")]
    [InlineData("[]", "expected a JSON object")]
    public void What_is_wrong_is_named(string json, string because) =>
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => Parse(json)).Message);

    [Fact]
    public void More_than_can_be_drawn_in_a_while_is_refused()
    {
        var region = """{"label": "sky", "box": [0, 0, 1, 1]}""";
        var boxes = string.Join(',', Enumerable.Repeat(region, 1200));
        Assert.Contains("1,200 regions of 4,800 corners in 10000x10000 pixels", Assert.Throws<ControlNetException>(() => Parse($$"""{"width": 10000, "height": 10000, "regions": [{{boxes}}]}""")).Message);
        var corners = string.Join(',', Enumerable.Repeat("[0, 0], [1, 1]", 40_000));
        Assert.Contains("1 regions of 80,000 corners", Assert.Throws<ControlNetException>(() => Parse($$"""{"width": 100, "height": 60000, "regions": [{"label": "sky", "polygon": [{{corners}}]}]}""")).Message);
        Assert.Equal(1200, Parse($$"""{"width": 1000, "height": 1000, "regions": [{{boxes}}]}""").Regions.Count);
    }

    private static SegmentationLayout Parse(string json) => SegmentationLayoutFile.Parse(Encoding.UTF8.GetBytes(json), "layout.json");
}
