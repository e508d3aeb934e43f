using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Multi-head attention softmax(QKᵀ/√d)V with the four projections of a checkpoint. Self-attention when no context is given,
/// cross-attention to the text when it is.
/// </summary>
internal sealed class Attention : Module<Tensor, TextContext?, Tensor>
{
    public readonly GroupNorm? group_norm;
    public readonly Linear to_q;
    public readonly Linear to_k;
    public readonly Linear to_v;
    public readonly ModuleList<Module<Tensor, Tensor>> to_out;
    private readonly long _heads;
    private readonly bool _upcast;

    /// <param name="width">Width of the queries and of the result.</param>
    /// <param name="heads">Number of heads; divides the width.</param>
    /// <param name="contextWidth">Width of the context; the same as <paramref name="width"/> for self-attention.</param>
    /// <param name="hasBias">Whether q, k, v have a bias: only in the autoencoder.</param>
    /// <param name="norm">Normalisation before the projections: only in the autoencoder.</param>
    /// <param name="upcast">Whether scores and their softmax are computed in float32 even if the weights are not.</param>
    public Attention(long width, long heads, long contextWidth, bool hasBias = false, GroupNorm? norm = null, bool upcast = false)
        : base(nameof(Attention))
    {
        (_heads, _upcast) = (heads, upcast);
        group_norm = norm;
        to_q = new Linear(width, width, hasBias);
        to_k = new Linear(contextWidth, width, hasBias);
        to_v = new Linear(contextWidth, width, hasBias);
        to_out = new([new Linear(width, width)]);
        RegisterComponents();
    }

    /// <param name="x">[N, L, width].</param>
    /// <param name="context">[N, S, contextWidth]; null attends to <paramref name="x"/> itself.</param>
    public override Tensor forward(Tensor x, TextContext? context)
    {
        using var scope = NewDisposeScope();
        var queries = Split(to_q.forward(x));
        var (keys, values) = context?.KeysAndValues(this, KeysAndValues) ?? KeysAndValues(x);
        var mixed = Operations.Attend(queries, keys, values);
        return to_out[0].forward((_upcast ? mixed.to(x.dtype) : mixed).transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();
    }

    private (Tensor Keys, Tensor Values) KeysAndValues(Tensor x) => (Split(to_k.forward(x)), Split(to_v.forward(x)));

    /// <summary>[N, L, heads·d] → [N, heads, L, d].</summary>
    private Tensor Split(Tensor x) => (_upcast ? x.to(ScalarType.Float32) : x).view(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2);
}
