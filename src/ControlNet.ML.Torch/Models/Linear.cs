using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// y = x Wᵀ + b. Unlike torch's own layer its parameters start unset: a checkpoint fills them, and
/// filling a billion random numbers first would cost more than loading them.
/// </summary>
internal sealed class Linear : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    public readonly Parameter? bias;

    /// <param name="inputs">Width of x, [..., inputs].</param>
    /// <param name="outputs">Width of y, [..., outputs].</param>
    /// <param name="hasBias">Whether there is a bias b.</param>
    public Linear(long inputs, long outputs, bool hasBias = true)
        : base(nameof(Linear))
    {
        weight = Unset.Parameter(outputs, inputs);
        bias = hasBias ? Unset.Parameter(outputs) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Operations.Multiply(x, weight, bias);
}
