using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>A table of vectors, looked up by id: [...] int64 → [..., width].</summary>
internal sealed class Embedding : Module<Tensor, Tensor>
{
    public readonly Parameter weight;

    /// <param name="count">Rows of the table.</param>
    /// <param name="width">Length of each vector.</param>
    public Embedding(long count, long width)
        : base(nameof(Embedding))
    {
        weight = Unset.Parameter(count, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return weight.index_select(0, ids.flatten()).view([.. ids.shape, weight.shape[1]]).MoveToOuterDisposeScope();
    }
}
