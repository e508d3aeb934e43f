using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

[Properties(Arbitrary = [typeof(ImageSamples)])]
public class GeometryTests
{
    [Property]
    public void Results_always_have_the_size_asked_for(ImageBuffer image, PositiveInt w, PositiveInt h, FitMode mode)
    {
        var (width, height) = (w.Get % 70 + 1, h.Get % 70 + 1);
        Geometry[] geometries =
        [
            Geometry.ForImage(image.Width, image.Height, width, height, mode),
            Geometry.ForMap(image.Width, image.Height, width, height, mode),
            Geometry.Centre(image.Width, image.Height, width, height),
        ];
        foreach (var geometry in geometries)
        {
            foreach (var result in new[] { ImageFit.Apply(image, geometry), MapFit.Apply(image, geometry) })
            {
                Assert.Equal((width, height, image.Channels), (result.Width, result.Height, result.Channels));
                var shown = geometry.Cut(result);
                Assert.InRange(shown.Width, 1, Math.Min(width, geometry.ScaledWidth));
                Assert.InRange(shown.Height, 1, Math.Min(height, geometry.ScaledHeight));
            }
        }
    }

    [Property]
    public void Crop_covers_the_target_and_fill_shows_all_of_the_source(PositiveInt a, PositiveInt b, PositiveInt c, PositiveInt d)
    {
        var (sourceWidth, sourceHeight, width, height) = (a.Get % 900 + 1, b.Get % 900 + 1, c.Get % 900 + 1, d.Get % 900 + 1);
        var crop = Geometry.ForImage(sourceWidth, sourceHeight, width, height, FitMode.Crop);
        Assert.True(crop.ScaledWidth >= width && crop.ScaledHeight >= height);
        var fill = Geometry.ForImage(sourceWidth, sourceHeight, width, height, FitMode.Fill);
        Assert.True(fill.ScaledWidth <= width && fill.ScaledHeight <= height);
        Assert.True(fill.OffsetX >= 0 && fill.OffsetY >= 0);
    }

    [Fact]
    public void A_source_of_another_size_is_refused() => Assert.Throws<ArgumentException>(
        () => ImageFit.Apply(new ImageBuffer(3, 3, 1), Geometry.ForImage(4, 3, 8, 8, FitMode.Crop)));

    [Theory]
    [InlineData(1, 100000, 64)]
    [InlineData(30000, 1, 90000)]
    public void A_side_that_no_image_can_have_is_refused(int width, int height, int resolution)
    {
        Assert.ThrowsAny<Exception>(() => WorkingResolution.ResizeToMultiple64(new ImageBuffer(width, height, 1), 32));
        Assert.Throws<ControlNetException>(() => WorkingResolution.Multiple64(width, height, resolution * 1000));
    }

    [Fact]
    public void Grids_lay_images_in_rows_on_white()
    {
        var red = new ImageBuffer(2, 1, 3, [255, 0, 0, 255, 0, 0]);
        var grey = new ImageBuffer(1, 1, 1, [7]);
        var sheet = ImageGrid.Compose([red, grey, grey], columns: 2, gap: 1);
        Assert.Equal("5x3x3", sheet.ToString());
        Assert.Equal([255, 0, 0, 255, 0, 0, 255, 255, 255, 7, 7, 7, 255, 255, 255], sheet.Row(0).ToArray());
        Assert.Equal([255, 255, 255, 255, 255, 255], sheet.Row(1)[..6].ToArray());
        Assert.Equal([7, 7, 7, 255, 255, 255], sheet.Row(2)[..6].ToArray());
    }
}
