using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models.Tiling;

/// <summary>
/// The autoencoder's layers on strips. Each computes what the layer computes on the whole map: convolutions see the rows beside a strip,
/// norms use mean and variance of the whole map. Only the order of sums differs.
/// </summary>
internal static class StripLayers
{
    /// <summary>A 3x3 convolution with a border of zeros, padding 1.</summary>
    /// <param name="x">The map, which is freed.</param>
    /// <param name="convolution">The convolution.</param>
    public static FeatureStrips Convolve(FeatureStrips x, Convolution convolution) =>
        x.Map(strip => strip, window => convolution.ForwardFramed(Framed(window.Rows, window.Above, window.Below)));

    /// <summary>Norm, SiLU, 3x3 convolution (<see cref="ResnetBlock.Convolve"/>).</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="convolution">The convolution.</param>
    /// <param name="x">The map, which is freed.</param>
    public static FeatureStrips Convolve(GroupNorm norm, Convolution convolution, FeatureStrips x)
    {
        using var activation = StripNorm.Of(norm, x);
        return x.Map(activation.Activate, window => convolution.ForwardFramed(Framed(window.Rows, window.Above, window.Below)));
    }

    /// <summary>A resnet without a time embedding.</summary>
    /// <param name="block">The resnet.</param>
    /// <param name="x">The map, which is freed.</param>
    public static FeatureStrips Resnet(ResnetBlock block, FeatureStrips x)
    {
        List<Tensor> shortcuts = [];
        FeatureStrips hidden;
        using (var first = StripNorm.Of(block.norm1, x))
        {
            hidden = x.Map(
                first.Activate, window =>
                {
                    // While the strip is still there.
                    if (block.conv_shortcut is { } shortcut)
                        shortcuts.Add(shortcut.forward(window.Source).DetachFromDisposeScope());
                    return block.conv1.ForwardFramed(Framed(window.Rows, window.Above, window.Below));
                },
                keeps: block.conv_shortcut is null);
        }

        if (block.conv_shortcut is null)
            shortcuts.AddRange(x.Strips);
        using var second = StripNorm.Of(block.norm2, hidden);
        return hidden.Map(second.Activate, window =>
        {
            using var shortcut = shortcuts[window.Index];
            return block.conv2.ForwardFramed(Framed(window.Rows, window.Above, window.Below)).PlusInPlace(shortcut);
        });
    }

    /// <summary>Nearest-neighbour upsampling to twice the size, then the convolution.</summary>
    /// <param name="upsample">The layer.</param>
    /// <param name="x">The map, which is freed.</param>
    public static FeatureStrips Enlarge(Upsample upsample, FeatureStrips x) => x.Map(strip => strip, window =>
    {
        var framed = Framed(Enlarged(window.Rows, 2)!, Enlarged(window.Above, 1), Enlarged(window.Below, 1));
        return upsample.conv.ForwardFramed(framed);

        static Tensor? Enlarged(Tensor? rows, long factor) => rows is null
            ? null
            : functional.interpolate(rows, size: [rows.shape[2] * factor, rows.shape[3] * 2], mode: InterpolationMode.Nearest);
    });

    /// <summary>The convolution of stride 2 with zeros right and below; strips have an even number of rows.</summary>
    /// <param name="downsample">The layer, of padding 0.</param>
    /// <param name="x">The map, which is freed.</param>
    public static FeatureStrips Shrink(Downsample downsample, FeatureStrips x) => x.Map(strip => strip, window =>
    {
        var (height, width) = (window.Rows.shape[2], window.Rows.shape[3]);
        var padded = zeros([1, window.Rows.shape[1], height + 1, width + 1], window.Rows.dtype, window.Rows.device);
        Place(padded, window.Rows, 0, 0);
        if (window.Below is not null)
            Place(padded, window.Below, height, 0);
        return downsample.conv.forward(padded);
    });

    /// <summary>Rows with the row above, the row below, and a column at each side: zeros beyond the image's border.</summary>
    private static Tensor Framed(Tensor rows, Tensor? above, Tensor? below)
    {
        var (height, width) = (rows.shape[2], rows.shape[3]);
        var framed = zeros([1, rows.shape[1], height + 2, width + 2], rows.dtype, rows.device);
        Place(framed, rows, 1, 1);
        if (above is not null)
            Place(framed, above, 0, 1);
        if (below is not null)
            Place(framed, below, height + 1, 1);
        return framed;
    }

    private static void Place(Tensor whole, Tensor part, long row, long column)
    {
        using var rows = whole.narrow(2, row, part.shape[2]);
        using var place = rows.narrow(3, column, part.shape[3]);
        place.copy_(part);
    }
}
