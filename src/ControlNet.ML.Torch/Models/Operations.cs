using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The three operations that take nearly all the time. They are in one place so that a benchmark can observe them and
/// repeat them as bare calls.
/// </summary>
internal static class Operations
{
    /// <summary>
    /// Called for every operation on this thread with what is needed to repeat it; null outside benchmarks. Not all operations of trainable
    /// networks can be repeated: the zeros for missing channels in their convolutions live only as long as the call.
    /// </summary>
    [ThreadStatic]
    public static Action<BareOperation>? Observer;

    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long[] stride, long[] padding)
    {
        Observer?.Invoke(
            new BareOperation([x.shape], input => functional.conv2d(input[0], weight, bias, strides: stride, padding: padding)));
        return functional.conv2d(x, weight, bias, strides: stride, padding: padding);
    }

    public static Tensor Multiply(Tensor x, Tensor weight, Tensor? bias)
    {
        Observer?.Invoke(new BareOperation([x.shape], input => functional.linear(input[0], weight, bias)));
        return functional.linear(x, weight, bias);
    }

    public static Tensor Attend(Tensor q, Tensor k, Tensor v, bool causal = false)
    {
        Observer?.Invoke(new BareOperation(
            [q.shape, k.shape, v.shape], input =>
                functional.scaled_dot_product_attention(input[0], input[1], input[2], is_casual: causal)));
        return functional.scaled_dot_product_attention(q, k, v, is_casual: causal);
    }
}

/// <summary>An operation as a bare libtorch call.</summary>
/// <param name="Shapes">Shapes of its inputs.</param>
/// <param name="Call">Makes the call on inputs of these shapes.</param>
internal sealed record BareOperation(long[][] Shapes, Func<Tensor[], Tensor> Call);
