using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>A table of vectors, looked up by id: [...] int64 → [..., width].</summary>
internal sealed class Embedding : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    private Tensor? _extended;

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
        var table = _extended ?? weight;
        return table.index_select(0, ids.flatten()).view([.. ids.shape, table.shape[1]]).MoveToOuterDisposeScope();
    }

    /// <summary>Sets the vectors of added ids; the parameter keeps a checkpoint's shape.</summary>
    /// <param name="first">The first added id, at most the number of rows: later rows have no token, and are replaced.</param>
    /// <param name="vectors">[added, width]; null for none.</param>
    public void SetAdded(long first, Tensor? vectors)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _extended?.Dispose();
        _extended = vectors is null ? null : cat([weight.narrow(0, 0, first), vectors], dim: 0).DetachFromDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _extended?.Dispose();
        base.Dispose(disposing);
    }
}
