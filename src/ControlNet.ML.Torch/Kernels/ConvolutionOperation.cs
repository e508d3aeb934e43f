using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>
/// A square convolution; its tensors are x, weight and bias. Whatever the kernel, the result is in channels-last memory: norms keep it, and
/// transformers take pixels as rows without a copy, so that a network has one layout throughout.
/// </summary>
/// <param name="Type">The data type.</param>
/// <param name="Count">Images.</param>
/// <param name="Inputs">Input channels.</param>
/// <param name="Outputs">Output channels.</param>
/// <param name="Height">Rows of an image.</param>
/// <param name="Width">Columns of an image.</param>
/// <param name="Side">Side of the kernel in pixels.</param>
/// <param name="Stride">Stride in pixels.</param>
/// <param name="Padding">Zeros at each border in pixels.</param>
/// <param name="IsChannelsLast">Whether x is in channels-last memory.</param>
internal sealed record ConvolutionOperation(
    ScalarType Type, long Count, long Inputs, long Outputs, long Height, long Width, long Side, long Stride, long Padding,
    bool IsChannelsLast) : KernelOperation(Type)
{
    private static readonly string[] Spatial = [Plain, "channels-last"], Pointwise = [.. Spatial, "rows, channels-last"];

    public override IReadOnlyList<string> Kernels => Side == 1 && Stride == 1 && Padding == 0 ? Pointwise : Spatial;

    public override double Flops => 2.0 * Count * Inputs * Outputs * Height * Width * Side * Side / (Stride * Stride);

    /// <summary>The operation on these tensors.</summary>
    public static ConvolutionOperation Of(Tensor x, Tensor weight, long stride, long padding) => new(
        x.dtype, x.shape[0], x.shape[1], weight.shape[0], x.shape[2], x.shape[3], weight.shape[2], stride, padding,
        ChannelsLast.Is(x));

    public override Tensor Run(int kernel, Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = (inputs[0], inputs[1], inputs[2]);
        var result = kernel switch
        {
            0 => Convolve(x.contiguous(), weight.contiguous()),
            1 => Convolve(ChannelsLast.Of(x), ChannelsLast.Of(weight)),
            _ => LinearOperation.AsConvolution(x.permute(0, 2, 3, 1), weight.view(Outputs, Inputs), bias).permute(0, 3, 1, 2),
        };
        return ChannelsLast.Of(result).MoveToOuterDisposeScope();

        Tensor Convolve(Tensor image, Tensor laid) =>
            functional.conv2d(image, laid, bias, strides: [Stride, Stride], padding: [Padding, Padding]);
    }

    public override Tensor[] Part(Tensor[] inputs)
    {
        var height = Share(Height, Flops / Count, Math.Max(Side, 8));
        using var scope = NewDisposeScope();
        var x = IsChannelsLast
            ? KernelNoise.Of(Type, 1, height, Width, Inputs).permute(0, 3, 1, 2)
            : KernelNoise.Of(Type, 1, Inputs, height, Width);
        return [x.MoveToOuterDisposeScope(), .. inputs[1..]];
    }

    public override string ToString() =>
        Text($"convolution {Side}x{Side} {TypeName}, {Count}x{Height}x{Width}, {Inputs} to {Outputs}")
        + (Stride == 1 ? "" : Text($", stride {Stride}"))
        + (Padding == Side / 2 ? "" : Text($", padding {Padding}")) + (IsChannelsLast ? ", channels last" : "");
}
