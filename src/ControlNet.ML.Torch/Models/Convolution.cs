using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// A square convolution on [N, C, H, W]; its parameters start unset, as those of <see cref="Linear"/>. Libtorch computes it on whole blocks
/// of channels (<see cref="AlignedChannels"/>); the parameters keep a checkpoint's shapes.
/// </summary>
internal class Convolution : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    public readonly Parameter bias;
    private readonly long _outputs;
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly bool _skipsPixels;
    private readonly bool _halves;
    private readonly AlignedChannels _channels;

    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel, pixels.</param>
    /// <param name="stride">Step, pixels.</param>
    /// <param name="padding">Zeros at each border, pixels.</param>
    public Convolution(long inputs, long outputs, int kernel, int stride = 1, int padding = 0)
        : base(nameof(Convolution))
    {
        weight = Unset.Parameter(outputs, inputs, kernel, kernel);
        bias = Unset.Parameter(outputs);
        _outputs = outputs;
        _stride = [stride, stride];
        _padding = [padding, padding];
        _skipsPixels = stride > kernel;
        _halves = kernel == 3 && stride == 2 && padding == 1;
        _channels = new AlignedChannels(inputs, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var isOneColumn = _halves && x.shape[3] == 1;
        if (_channels.AreWhole && !_skipsPixels && !isOneColumn)
            return Operations.Convolve(x, weight, bias, _stride, _padding);

        using var scope = NewDisposeScope();

        // oneDNN's bfloat16 gradient of the weight reads a second column that it never wrote where the image has one (AVX-512). A column of
        // zeros is what the padding has there anyway, and the result keeps its size.
        if (isOneColumn)
            x = functional.pad(x, [0, 1]);
        var (alignedWeight, alignedBias) = _channels.Parameters(weight, bias);

        // A stride that passes over pixels of an image channels last is one more kernel of oneDNN's that is wrong where caches are hidden.
        var input = _channels.Pad(_skipsPixels ? x.contiguous() : x);
        var output = Operations.Convolve(input, alignedWeight, alignedBias, _stride, _padding);
        return _channels.Cut(output, _outputs).MoveToOuterDisposeScope();
    }

    /// <summary>To be called after the values of frozen parameters were changed in place.</summary>
    protected void ParametersChanged() => _channels.Forget();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _channels.Dispose();
        base.Dispose(disposing);
    }
}
