using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>A square convolution on [N, C, H, W]; its parameters start unset, as those of <see cref="Linear"/>.</summary>
internal class Convolution : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    public readonly Parameter bias;
    private readonly long[] _stride;
    private readonly long[] _padding;

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
        _stride = [stride, stride];
        _padding = [padding, padding];
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Operations.Convolve(x, weight, bias, _stride, _padding);
}
