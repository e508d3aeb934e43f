using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>y = x Wᵀ + b; its tensors are x, W and, if there is one, b.</summary>
/// <param name="Type">The data type.</param>
/// <param name="Rows">Rows of x, of all dimensions but the last.</param>
/// <param name="Inputs">Width of x.</param>
/// <param name="Outputs">Width of y.</param>
/// <param name="HasBias">Whether there is b.</param>
internal sealed record LinearOperation(ScalarType Type, long Rows, long Inputs, long Outputs, bool HasBias) : KernelOperation(Type)
{
    // On one thread libtorch gives only batches of 16 images to oneDNN.
    private const int Images = 16;

    private static readonly string[] Names = [Plain, "1x1 convolution"];

    public override IReadOnlyList<string> Kernels => Names;

    public override double Flops => 2.0 * Rows * Inputs * Outputs;

    /// <summary>The operation on these tensors.</summary>
    public static LinearOperation Of(Tensor x, Tensor weight, Tensor? bias) =>
        new(x.dtype, x.numel() / x.shape[^1], x.shape[^1], weight.shape[0], bias is not null);

    /// <summary>
    /// The product of rows and a matrix as a convolution over the pixels of a channels-last image, which has the same memory. On some
    /// processors libtorch's library for convolutions is up to twice as fast as its library for matrix products.
    /// </summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs] or null.</param>
    /// <returns>[..., outputs], contiguous.</returns>
    public static Tensor AsConvolution(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (inputs, outputs) = (weight.shape[1], weight.shape[0]);
        var rows = x.numel() / inputs;
        var images = rows % Images == 0 ? Images : 1;
        var image = x.contiguous().view(images, 1, rows / images, inputs).permute(0, 3, 1, 2);
        var result = functional.conv2d(image, weight.view(outputs, inputs, 1, 1), bias);
        return result.permute(0, 2, 3, 1).contiguous().view([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }

    public override Tensor Run(int kernel, Tensor[] inputs)
    {
        var bias = HasBias ? inputs[2] : null;
        return kernel == 0 ? functional.linear(inputs[0], inputs[1], bias) : AsConvolution(inputs[0], inputs[1], bias);
    }

    public override Tensor[] Part(Tensor[] inputs)
    {
        // Rows that make a whole number of images are left that way.
        var rows = Share(Rows, Flops, 256);
        return [KernelNoise.Of(Type, Rows % Images == 0 ? rows / Images * Images : rows, Inputs), .. inputs[1..]];
    }

    public override string ToString() => Text($"linear {TypeName}, {Rows} rows, {Inputs} to {Outputs}{(HasBias ? "" : ", no bias")}");
}
