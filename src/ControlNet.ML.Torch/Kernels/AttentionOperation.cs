using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>softmax(QKᵀ/√d)V, not causal; its tensors are Q, K and V, [N, heads, tokens, d].</summary>
/// <param name="Type">The data type.</param>
/// <param name="Count">Batch size.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Queries">Tokens of Q.</param>
/// <param name="Keys">Tokens of K and V.</param>
/// <param name="Size">d.</param>
internal sealed record AttentionOperation(ScalarType Type, long Count, long Heads, long Queries, long Keys, long Size)
    : KernelOperation(Type)
{
    // The scores of all heads that two products may hold, in bytes: beyond the processor's caches they are slower anyway.
    private const double MostScores = 64 << 20;

    private const int Chunks = 4;
    private static readonly string[]
        Long = [Plain, "contiguous keys and values", "queries in four chunks"], Short = [.. Long, "two products"];

    public override IReadOnlyList<string> Kernels =>
        (double)Count * Heads * Queries * Keys * TorchDevice.SizeOf(Type) <= MostScores ? Short : Long;

    public override double Flops => 4.0 * Count * Heads * Queries * Keys * Size;

    /// <summary>The operation on these tensors.</summary>
    public static AttentionOperation Of(Tensor q, Tensor k) => new(q.dtype, q.shape[0], q.shape[1], q.shape[2], k.shape[2], q.shape[3]);

    public override Tensor Run(int kernel, Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        return (kernel switch
        {
            0 => functional.scaled_dot_product_attention(q, k, v),
            1 => functional.scaled_dot_product_attention(q, k.contiguous(), v.contiguous()),
            2 => AsTokens(cat([.. q.chunk(Chunks, dim: 2).Select(part => functional.scaled_dot_product_attention(part, k, v))], dim: 2)),
            _ => AsTokens(functional.softmax(q.matmul(k.transpose(-2, -1)).TimesInPlace(1 / Math.Sqrt(Size)), dim: -1).matmul(v)),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>One head or more, laid out as views of the projections' results.</summary>
    public override Tensor[] Part(Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var heads = Share(Heads, Flops / Count, 1);
        Tensor[] part = [Tokens(Queries), Tokens(Keys), Tokens(Keys)];
        return [.. part.Select(tensor => tensor.MoveToOuterDisposeScope())];

        Tensor Tokens(long count) => KernelNoise.Of(Type, 1, count, Heads, Size).transpose(1, 2).narrow(1, 0, heads);
    }

    public override string ToString() => Text($"attention {TypeName}, {Count}x{Heads} heads of {Size}, {Queries} to {Keys} tokens");

    /// <summary>The same values in memory as [N, tokens, heads, d], which is how the projection after attention reads them.</summary>
    private static Tensor AsTokens(Tensor heads) => heads.transpose(1, 2).contiguous().transpose(1, 2);
}
