using ControlNet.ML.Torch.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The three operations that take nearly all the time. They are in one place so that their kernels can be chosen, and that a benchmark can
/// observe them and repeat them as bare calls.
/// </summary>
internal static class Operations
{
    /// <summary>
    /// Called for every operation on this thread with what is needed to repeat it; null outside benchmarks. Not all operations of trainable
    /// networks can be repeated: the zeros for missing channels in their convolutions live only as long as the call.
    /// </summary>
    [ThreadStatic]
    public static Action<BareOperation>? Observer;

    /// <summary>The kernels that compute on this thread; null for libtorch's own choice.</summary>
    [ThreadStatic]
    public static KernelTable? Kernels;

    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long[] stride, long[] padding)
    {
        if (Kernels is { } kernels)
            return Run(kernels, ConvolutionOperation.Of(x, weight, stride[0], padding[0]), [x, weight, bias], inputs: 1);
        Observer?.Invoke(
            new BareOperation([BareInput.Of(x)], input => functional.conv2d(input[0], weight, bias, strides: stride, padding: padding)));
        return functional.conv2d(x, weight, bias, strides: stride, padding: padding);
    }

    public static Tensor Multiply(Tensor x, Tensor weight, Tensor? bias)
    {
        if (Kernels is { } kernels)
            return Run(kernels, LinearOperation.Of(x, weight, bias), bias is null ? [x, weight] : [x, weight, bias], inputs: 1);
        Observer?.Invoke(new BareOperation([BareInput.Of(x)], input => functional.linear(input[0], weight, bias)));
        return functional.linear(x, weight, bias);
    }

    public static Tensor Attend(Tensor q, Tensor k, Tensor v, bool causal = false)
    {
        if (Kernels is { } kernels && !causal)
            return Run(kernels, AttentionOperation.Of(q, k), [q, k, v], inputs: 3);
        Observer?.Invoke(new BareOperation(
            [BareInput.Of(q), BareInput.Of(k), BareInput.Of(v)], input =>
                functional.scaled_dot_product_attention(input[0], input[1], input[2], is_casual: causal)));
        return functional.scaled_dot_product_attention(q, k, v, is_casual: causal);
    }

    /// <param name="kernels">The chosen kernels.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="tensors">Its tensors: inputs, then parameters.</param>
    /// <param name="inputs">How many of them are inputs.</param>
    private static Tensor Run(KernelTable kernels, KernelOperation operation, Tensor[] tensors, int inputs)
    {
        var kernel = kernels.Choose(operation, tensors);
        Observer?.Invoke(new BareOperation(
            [.. tensors.Take(inputs).Select(BareInput.Of)], input => operation.Run(kernel, [.. input, .. tensors[inputs..]])));
        return operation.Run(kernel, tensors);
    }
}

/// <summary>An operation as a bare libtorch call.</summary>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Call">Makes the call on such inputs.</param>
internal sealed record BareOperation(BareInput[] Inputs, Func<Tensor[], Tensor> Call);

/// <summary>An input of a bare operation.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="IsChannelsLast">Whether it is an image in channels-last memory.</param>
internal sealed record BareInput(long[] Shape, bool IsChannelsLast)
{
    /// <summary>The form of a tensor. Libtorch's own choice is repeated on contiguous ones, whatever the network's layout is.</summary>
    public static BareInput Of(Tensor tensor) =>
        new(tensor.shape, Operations.Kernels is not null && tensor.dim() == 4 && ChannelsLast.Is(tensor));
}
