using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using ControlNet.ML.Tests.Imaging;
using FsCheck.Xunit;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

[Properties(Arbitrary = [typeof(ImageSamples)], MaxTest = 60)]
public sealed class MLImagesTests
{
    [Property]
    public void Opaque_images_pass_exactly(ImageBuffer image)
    {
        var opaque = Color.Rgb(image);
        using var mlImage = opaque.ToMLImage();
        Assert.Equal((opaque.Width, opaque.Height), (mlImage.Width, mlImage.Height));
        var back = mlImage.ToImageBuffer();
        Assert.Equal((3, true), (back.Channels, opaque.Samples.AsSpan().SequenceEqual(back.Samples)));
    }

    [Property]
    public void An_image_of_ML_NET_comes_back_as_it_was(ImageBuffer image)
    {
        using var mlImage = image.ToMLImage();
        using var back = mlImage.ToImageBuffer().ToMLImage();
        Assert.Equal(mlImage.Pixels, back.Pixels);
    }

    [Fact]
    public void Every_color_under_every_alpha_comes_back()
    {
        var pixels = new byte[256 * 256 * 4];
        for (var alpha = 0; alpha < 256; alpha++)
        {
            for (var color = 0; color <= alpha; color++)
                new[] { (byte)color, (byte)(alpha - color), (byte)(color / 2), (byte)alpha }.CopyTo(pixels, ((alpha * 256) + color) * 4);
        }

        using var mlImage = MLImage.CreateFromPixels(256, 256, MLPixelFormat.Bgra32, pixels);
        using var back = mlImage.ToImageBuffer().ToMLImage();
        Assert.Equal(pixels, back.Pixels);
    }

    [Fact]
    public void Both_orders_of_colors_are_known()
    {
        byte[] bytes = [10, 20, 30, 255];
        using var blueFirst = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, bytes);
        using var redFirst = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Rgba32, bytes);
        Assert.Equal([30, 20, 10], blueFirst.ToImageBuffer().Samples);
        Assert.Equal([10, 20, 30], redFirst.ToImageBuffer().Samples);
    }

    [Fact]
    public void A_file_is_the_same_whoever_reads_it()
    {
        using var folder = new TemporaryFolder();
        var image = ImageSamples.Noise(9, 7, 3, seed: 4);
        ImageCodec.Save(folder.File("a.png"), image);
        using var read = MLImage.CreateFromFile(folder.File("a.png"));
        Assert.Equal(image.Samples, read.ToImageBuffer().Samples);
        using var written = image.ToMLImage();
        written.Save(folder.File("b.png"));
        Assert.Equal(image.Samples, Color.Rgb(ImageCodec.Load(folder.File("b.png"))).Samples);
    }

    [Fact]
    public void Alpha_is_what_ML_NETs_own_files_have()
    {
        using var folder = new TemporaryFolder();
        var image = new ImageBuffer(3, 1, 4, [200, 100, 50, 255, 200, 100, 50, 128, 9, 9, 9, 0]);
        ImageCodec.Save(folder.File("a.png"), image);
        using var read = MLImage.CreateFromFile(folder.File("a.png"));
        using var made = image.ToMLImage();
        Assert.Equal(made.Pixels, read.Pixels);
        Assert.Equal([200, 100, 50, 255, 199, 100, 50, 128, 0, 0, 0, 0], read.ToImageBuffer().Samples);
    }

    [Fact]
    public void Colors_above_their_alpha_count_as_full()
    {
        using var wrong = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Rgba32, [200, 64, 0, 64]);
        Assert.Equal([255, 255, 0, 64], wrong.ToImageBuffer().Samples);
    }

    [Fact]
    public void The_rest_of_ML_NETs_images_works_on_this_SkiaSharp()
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable(Photos.Rows(2));
        var chain = ml.Transforms.ResizeImages("Small", 8, 6, "Photo").Append(ml.Transforms.ConvertToGrayscale("Grey", "Small")).Append(ml.Transforms.ExtractPixels("Values", "Grey"));
        Assert.All(chain.Fit(data).Transform(data).GetColumn<float[]>("Values"), values => Assert.Equal(8 * 6 * 3, values.Length));
    }
}
