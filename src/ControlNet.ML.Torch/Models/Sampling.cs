using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Halves the resolution with a 3x3 convolution of stride 2 (Downsample2D).</summary>
internal sealed class Downsample : Module<Tensor, Tensor>
{
    public readonly Convolution conv;
    private readonly bool _padAfter;

    /// <param name="channels">Channels, unchanged.</param>
    /// <param name="padding">1, or 0 to pad only right and bottom: the autoencoder, and UNets with downsample_padding 0.</param>
    public Downsample(long channels, int padding)
        : base(nameof(Downsample))
    {
        conv = new Convolution(channels, channels, kernel: 3, stride: 2, padding: padding);
        _padAfter = padding == 0;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        if (!_padAfter)
            return conv.forward(x);
        using var padded = functional.pad(x, [0, 1, 0, 1]);
        return conv.forward(padded);
    }
}

/// <summary>Nearest-neighbour upsampling to a given size, then a 3x3 convolution (Upsample2D).</summary>
internal sealed class Upsample : Module<Tensor, long[], Tensor>
{
    public readonly Convolution conv;

    /// <param name="channels">Channels, unchanged.</param>
    public Upsample(long channels)
        : base(nameof(Upsample))
    {
        conv = new Convolution(channels, channels, kernel: 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="size">Height and width of the result: twice the input's, or one less where the encoder's size was odd.</param>
    public override Tensor forward(Tensor x, long[] size)
    {
        using var enlarged = functional.interpolate(x, size: size, mode: InterpolationMode.Nearest);
        return conv.forward(enlarged);
    }
}
