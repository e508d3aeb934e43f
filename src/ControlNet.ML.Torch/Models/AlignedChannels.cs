using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Zeros that round the channels of a convolution up to multiples of 16, and the cut back after it.
/// <para>
/// oneDNN 3.7.1 (libtorch 2.10) computes on channels in blocks of 8 (AVX2) or 16 (AVX-512). Where it believes the processor's caches to be
/// one byte (<see cref="Native.HiddenCaches"/>), it leaves the rest of a partial block unwritten and multiplies uninitialised memory:
/// partial blocks of input channels make forward passes wrong, those of output channels gradients of the input, either one bfloat16. With
/// whole blocks, convolutions on contiguous images are correct even there. It costs nothing, since oneDNN itself pads to a block.
/// </para>
/// <para>
/// This alone is not enough: on channels-last images, and in gradients of strided convolutions, oneDNN groups several blocks
/// into one of 24 to 64 channels, whose rest also stays unwritten. Those are correct because the repair sets oneDNN's cache sizes, and
/// where it cannot, because <see cref="TorchRuntime"/> switches oneDNN off.
/// </para>
/// </summary>
internal sealed class AlignedChannels : IDisposable
{
    /// <summary>Channels of the largest block.</summary>
    public const long Multiple = 16;

    private readonly long _missingInputs;
    private readonly long _missingOutputs;
    private Tensor? _weight;
    private Tensor? _bias;

    /// <param name="inputs">Input channels of the convolution.</param>
    /// <param name="outputs">Its output channels.</param>
    public AlignedChannels(long inputs, long outputs) => (_missingInputs, _missingOutputs) = (Missing(inputs), Missing(outputs));

    /// <summary>Whether both counts already are multiples.</summary>
    public bool AreWhole => _missingInputs == 0 && _missingOutputs == 0;

    /// <summary>Weight and bias, with zeros for the missing channels if there are any.</summary>
    /// <param name="weight">[outputs, inputs, k, k].</param>
    /// <param name="bias">[outputs].</param>
    /// <returns>
    /// For trainable parameters, new tensors that gradients pass through, in the current dispose scope. For frozen ones, tensors that are
    /// made once and cached here; call <see cref="Forget"/> after writing to frozen parameters.
    /// </returns>
    public (Tensor Weight, Tensor Bias) Parameters(Tensor weight, Tensor bias)
    {
        if (AreWhole)
            return (weight, bias);
        if (weight.requires_grad || bias.requires_grad)
        {
            Forget();
            return (PadWeight(weight), PadBias(bias));
        }

        if (_weight is null || _bias is null)
        {
            using var _ = no_grad();
            (_weight, _bias) = (PadWeight(weight).DetachFromDisposeScope(), PadBias(bias).DetachFromDisposeScope());
        }

        return (_weight, _bias);
    }

    /// <summary>[N, inputs, H, W] with zeros for the missing input channels; the same tensor if none is missing.</summary>
    public Tensor Pad(Tensor x) => _missingInputs == 0 ? x : functional.pad(x, [0, 0, 0, 0, 0, _missingInputs]);

    /// <summary>The first channels of [N, outputs rounded up, H, W], contiguous.</summary>
    public Tensor Cut(Tensor y, long outputs) => _missingOutputs == 0 ? y : y.narrow(1, 0, outputs).contiguous();

    /// <summary>Drops the cached tensors of frozen parameters.</summary>
    public void Forget()
    {
        _weight?.Dispose();
        _bias?.Dispose();
        (_weight, _bias) = (null, null);
    }

    public void Dispose() => Forget();

    private static long Missing(long channels) => (Multiple - (channels % Multiple)) % Multiple;

    private Tensor PadWeight(Tensor weight) => functional.pad(weight, [0, 0, 0, 0, 0, _missingInputs, 0, _missingOutputs]);

    private Tensor PadBias(Tensor bias) => functional.pad(bias, [0, _missingOutputs]);
}
