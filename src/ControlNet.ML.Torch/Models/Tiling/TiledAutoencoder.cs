using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models.Tiling;

/// <summary>
/// The autoencoder computed in strips of rows, image by image: the same numbers but for the order of sums, in a fraction of the memory. At
/// any time there are two maps of the first level, about 1 KB per pixel in float32, where whole maps take five.
/// <para>
/// diffusers' tiling (<c>AutoencoderKL.tiled_decode</c>) instead computes square tiles as images of their own and blends their borders; the
/// norms of each tile differ, and with them its colours.
/// </para>
/// </summary>
/// <param name="network">The autoencoder.</param>
/// <param name="stripBytes">Bytes of a strip of a feature map, about.</param>
internal sealed class TiledAutoencoder(AutoencoderKL network, long stripBytes = TiledAutoencoder.StripBytes)
{
    /// <summary>Bytes of a strip: enough rows for fast convolutions, little beside the maps of an image of 512x512.</summary>
    public const long StripBytes = 32L << 20;

    // Fewer rows would be computed twice as often as once: each strip needs one more on either side.
    private const long LeastRows = 8;

    /// <inheritdoc cref="AutoencoderKL.Decode"/>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return cat([.. Images(latents).Select(DecodeOne)], dim: 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="AutoencoderKL.Encode"/>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor image)
    {
        using var scope = NewDisposeScope();
        var moments = cat([.. Images(image).Select(EncodeOne)], dim: 0);
        var (mean, logVariance) = network.Posterior(moments);
        return (mean.MoveToOuterDisposeScope(), logVariance.MoveToOuterDisposeScope());
    }

    private static IEnumerable<Tensor> Images(Tensor batch) =>
        Enumerable.Range(0, (int)batch.shape[0]).Select(i => batch.narrow(0, i, 1));

    private Tensor DecodeOne(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var decoder = network.decoder;
        var x = FeatureStrips.Of(decoder.mid_block.forward(decoder.conv_in.forward(network.Latents(latents))));
        foreach (var block in decoder.up_blocks)
        {
            foreach (var resnet in block.resnets)
                x = Compact(StripLayers.Resnet(resnet, x.Arrange(RowsOf(resnet.conv1.weight, x.Width))));
            if (block.upsamplers is { } up)
                x = Compact(StripLayers.Enlarge(up[0], x.Arrange(RowsOf(up[0].conv.weight, x.Width * 2) / 2)));
        }

        return StripLayers.Convolve(decoder.conv_norm_out, decoder.conv_out, x).Whole().MoveToOuterDisposeScope();
    }

    private Tensor EncodeOne(Tensor image)
    {
        using var scope = NewDisposeScope();
        var encoder = network.encoder;
        var x = FeatureStrips.Of(image).Arrange(RowsOf(encoder.conv_in.weight, image.shape[3]));
        x = Compact(StripLayers.Convolve(x, encoder.conv_in));
        foreach (var block in encoder.down_blocks)
        {
            foreach (var resnet in block.resnets)
                x = Compact(StripLayers.Resnet(resnet, x.Arrange(RowsOf(resnet.conv1.weight, x.Width))));
            if (block.downsamplers is { } down)
                x = Compact(StripLayers.Shrink(down[0], x));
        }

        var hidden = encoder.mid_block.forward(x.Whole());
        return ResnetBlock.Convolve(encoder.conv_norm_out, encoder.conv_out, hidden).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Between layers, whose strips have other sizes: without it, the heap keeps as much again in blocks that the next layer cannot use.
    /// </summary>
    private static FeatureStrips Compact(FeatureStrips x)
    {
        NativeHeap.Trim();
        return x;
    }

    /// <summary>Rows of a strip: an even number, so that it can be halved.</summary>
    /// <param name="weight">The weight of the layer's convolution.</param>
    /// <param name="width">Columns of its output.</param>
    private long RowsOf(Tensor weight, long width)
    {
        var row = Math.Max(weight.shape[0], weight.shape[1]) * width * weight.element_size();
        return Math.Max(LeastRows, stripBytes / row / LeastRows * LeastRows);
    }
}
