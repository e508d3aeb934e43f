using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// A square convolution on [N, C, H, W]; its parameters start unset, like those of <see cref="Linear"/>. Libtorch computes it on whole
/// blocks of channels (<see cref="AlignedChannels"/>); the parameters keep a checkpoint's shapes.
/// </summary>
internal class Convolution : Module<Tensor, Tensor>
{
    // Columns, padding included, of an image that is halved to two columns. oneDNN's bfloat16 kernels for a result of one column (AVX-512,
    // AMX) read
    // memory that was never written: forward, and for the gradient of the weight.
    private const int LeastColumns = 5;

    private static readonly long[] Unpadded = [0, 0];

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
    /// <param name="stride">Stride, pixels.</param>
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
        _halves = kernel == 3 && stride == 2;
        _channels = new AlignedChannels(inputs, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Convolve(x, _padding);

    /// <summary>The convolution of an image whose border pixels are there already, so that nothing is padded.</summary>
    /// <param name="x">[N, inputs, H, W], the border included.</param>
    public Tensor ForwardFramed(Tensor x) => Convolve(x, Unpadded);

    /// <summary>Call this after changing the values of frozen parameters in place.</summary>
    public void ParametersChanged() => _channels.Forget();

    private Tensor Convolve(Tensor x, long[] padding)
    {
        var missing = _halves ? LeastColumns - (2 * padding[1]) - x.shape[3] : 0;
        if (_channels.AreWhole && !_skipsPixels && missing <= 0)
            return Operations.Convolve(x, weight, bias, _stride, padding);

        using var scope = NewDisposeScope();

        // Columns of zeros on the right: the first column of the result does not see them, or sees them where the padding has zeros anyway.
        if (missing > 0)
            x = functional.pad(x, [0, missing]);
        var (alignedWeight, alignedBias) = _channels.Parameters(weight, bias);

        // Strides that skip pixels of a channels-last image are another oneDNN kernel that is wrong where caches are hidden.
        var input = _channels.Pad(_skipsPixels ? x.contiguous() : x);
        var output = _channels.Cut(Operations.Convolve(input, alignedWeight, alignedBias, _stride, padding), _outputs);
        return (missing > 0 ? output.narrow(3, 0, 1).contiguous() : output).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _channels.Dispose();
        base.Dispose(disposing);
    }
}
