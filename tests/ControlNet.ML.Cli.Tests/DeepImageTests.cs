using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Depth maps of 16 bits, and masks with alpha, by every way into the tool.</summary>
public sealed class DeepImageTests
{
    private static readonly ushort[] Millimetres = [.. Enumerable.Range(0, 64 * 64).Select(i => (ushort)(1000 + (32 * (i % 64))))];

    private static byte[] Expected => Depth.Apply(new FloatMap(64, 64, [.. Millimetres.Select(value => (float)value)])).Samples;

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(6, true)]
    public async Task Annotate_and_draw_see_every_level(byte type, bool interlaced)
    {
        using var tool = new Tool();
        File.WriteAllBytes("d.png", PngWriter.Deep(64, Millimetres, type, interlaced));
        await Made("annotate", "d.png", "--as", "depth_map", "-o", "a.png");
        await Made("draw", "depth", "d.png", "-o", "b.png");
        await Made("annotate", "d.png", "--as", "normal_map", "-o", "n.png");
        await Made("draw", "normal", "d.png", "-o", "m.png");
        Assert.Equal(Expected, ImageCodec.Load("a.png").Samples);
        Assert.Equal(Expected, ImageCodec.Load("b.png").Samples);
        Assert.Equal(ImageCodec.Load("m.png").Samples, ImageCodec.Load("n.png").Samples);

        async Task Made(params string[] arguments) =>
            Assert.Equal(0, (await tool.RunAsync(TestContext.Current.CancellationToken, arguments)).Code);
    }

    [Fact]
    public void The_photo_of_generate_and_score_keeps_them_at_its_size_and_at_another()
    {
        using var tool = new Tool();
        File.WriteAllBytes("d.png", PngWriter.Deep(64, Millimetres));
        var kind = ConditionCatalog.Find("depth_map");
        Assert.Equal(Expected, ConditionSource.FromPhoto("d.png", kind, kind.Defaults, new ImageSize(64, 64), FitMode.Crop).Condition.Samples);
        var wide = ConditionSource.FromPhoto("d.png", kind, kind.Defaults, new ImageSize(128, 128), FitMode.Crop).Condition;
        Assert.True(wide.Samples.Distinct().Count() > 64, "Scaled, the levels should have become more.");
    }

    [Fact]
    public void A_mask_on_an_empty_layer_paints_what_is_on_it_at_any_size()
    {
        using var tool = new Tool();
        var layer = new ImageBuffer(64, 64, 4);
        for (var y = 0; y < 64; y++)
            layer.Row(y)[..128].Fill(255);
        ImageCodec.SavePng("mask.png", layer);
        ImageCodec.SavePng("image.png", new ImageBuffer(64, 64, 3));
        foreach (var size in (int[])[64, 32, 96])
        {
            var input = new StartImage("image.png", null, "mask.png", null).Read(new ImageSize(size, size), FitMode.Crop);
            var mask = Inpaint.MaskToTensor(input.Mask!, size, size).Values;
            for (var i = 0; i < mask.Length; i++)
                Assert.Equal(i % size < size / 2 ? 1 : 0, mask[i]);
        }
    }

    [Fact]
    public async Task Generate_warns_of_a_mask_with_transparent_parts()
    {
        using var tool = new Tool();
        ImageCodec.SavePng("mask.png", new ImageBuffer(64, 64, 4));
        ImageCodec.SavePng("image.png", new ImageBuffer(64, 64, 3));
        string[] command = ["generate", "fox", "--image", "image.png", "--mask", "mask.png", "--size", "64", "--steps", "1", "-o", "x.png"];
        Assert.Contains("warning: The mask has transparent parts", (await tool.RunAsync(TestContext.Current.CancellationToken, command)).Error, StringComparison.Ordinal);
        ImageCodec.SavePng("mask.png", new ImageBuffer(64, 64, 1));
        Assert.DoesNotContain("warning", (await tool.RunAsync(TestContext.Current.CancellationToken, command)).Error, StringComparison.Ordinal);
    }
}
