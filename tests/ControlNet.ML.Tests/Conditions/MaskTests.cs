using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>What a mask paints: white, and nothing where it is transparent.</summary>
public sealed class MaskTests
{
    [Fact]
    public void A_white_stroke_on_an_empty_layer_masks_the_stroke()
    {
        foreach (var under in (byte[])[0, 255])
        {
            var layer = Layer(under, 0);
            for (var y = 0; y < 8; y++)
                layer.Samples.AsSpan(((y * 16) + 4) * 4, 16).Fill(255);
            var mask = Inpaint.MaskToTensor(layer, 16, 8).Values;
            for (var i = 0; i < mask.Length; i++)
                Assert.Equal(i % 16 is >= 4 and < 8 ? 1 : 0, mask[i]);
            var condition = Inpaint.ToTensor(new ImageBuffer(16, 8, 3), layer).Values;
            Assert.Equal(mask, condition[..128].Select(value => -value));
        }
    }

    [Property(MaxTest = 50)]
    public void Alpha_scales_what_is_painted(byte level, byte alpha)
    {
        var painted = Inpaint.Levels(Layer(level, alpha)).Samples[0];
        Assert.Equal(level * alpha / 255.0, painted, 0.5);
        Assert.Equal(Color.GreyPillow(Layer(level, 255)).Samples, Inpaint.Levels(Layer(level, 255)).Samples);
    }

    [Property(MaxTest = 50)]
    public void ML_NETs_premultiplied_mask_means_the_same(byte alpha)
    {
        // White only: of other colors a premultiplied image has fewer levels.
        var layer = Layer(255, alpha);
        using var premultiplied = layer.ToMLImage();
        Assert.Equal(Inpaint.Levels(layer).Samples, Inpaint.Levels(premultiplied.ToImageBuffer()).Samples);
    }

    [Theory]
    [InlineData(255, null)]
    [InlineData(254, "not painted")]
    [InlineData(0, "not painted")]
    public void A_warning_tells_where_alpha_counts(byte alpha, string? warning)
    {
        var told = new ImageInput(new ImageBuffer(16, 8, 3)) { Mask = Layer(255, alpha) }.MaskWarning;
        Assert.Equal(warning is null, told is null);
        Assert.Contains(warning ?? "", told ?? "", StringComparison.Ordinal);
        Assert.Null(new ImageInput(new ImageBuffer(16, 8, 3)) { Mask = new ImageBuffer(16, 8, 1) }.MaskWarning);
    }

    private static ImageBuffer Layer(byte level, byte alpha)
    {
        var layer = new ImageBuffer(16, 8, 4);
        for (var i = 0; i < layer.Samples.Length; i++)
            layer.Samples[i] = i % 4 == 3 ? alpha : level;
        return layer;
    }
}
