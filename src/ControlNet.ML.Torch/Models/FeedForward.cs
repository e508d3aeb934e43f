using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The feed-forward part of a transformer block: GEGLU to four times the width, then back (keys <c>net.0.proj</c>, <c>net.2</c>).
/// </summary>
internal sealed class FeedForward : Module<Tensor, Tensor>
{
    public readonly ModuleList<Module<Tensor, Tensor>> net;

    /// <param name="width">Width of input and output.</param>
    public FeedForward(long width)
        : base(nameof(FeedForward))
    {
        // The middle entry is the reference's dropout: it has no weights and no effect at inference, but counts in the keys.
        net = new([new Geglu(width, width * 4), Identity(), new Linear(width * 4, width)]);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var hidden = net[0].forward(x);
        return net[2].forward(hidden);
    }

    /// <summary>h · gelu(g) with [h, g] = proj(x); the erf form of GELU.</summary>
    private sealed class Geglu : Module<Tensor, Tensor>
    {
        public readonly Linear proj;

        public Geglu(long inputs, long outputs)
            : base(nameof(Geglu))
        {
            proj = new Linear(inputs, outputs * 2);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var halves = proj.forward(x).chunk(2, dim: -1);
            return functional.gelu(halves[1]).mul_(halves[0]).MoveToOuterDisposeScope();
        }
    }
}
