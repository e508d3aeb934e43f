using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>
/// Normal noise for measurements: one block that is repeated, since drawing each number would take longer than the operations themselves.
/// The block's length is prime, so that no two rows are the same.
/// </summary>
internal static class KernelNoise
{
    private const long Length = 1_000_003;

    private static readonly Lazy<Tensor> Block = new(() =>
    {
        using var generator = new Generator(0, CPU);
        return randn([Length], generator: generator).DetachFromDisposeScope();
    });

    /// <summary>A contiguous tensor of noise with mean 0 and standard deviation 1.</summary>
    public static Tensor Of(ScalarType type, params long[] shape)
    {
        using var scope = NewDisposeScope();
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var repeated = Block.Value.repeat([(count + Length - 1) / Length]);
        return repeated.narrow(0, 0, count).view(shape).to(type).contiguous().MoveToOuterDisposeScope();
    }
}
