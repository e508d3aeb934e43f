using System.Globalization;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>
/// An operation of one shape, and the kernels that can compute it. Equal operations share a choice, so its members are whatever can decide
/// which kernel is fastest, or whether one is right.
/// </summary>
/// <param name="Type">The data type.</param>
internal abstract record KernelOperation(ScalarType Type)
{
    /// <summary>The name of the first kernel: libtorch's own choice.</summary>
    public const string Plain = "plain";

    /// <summary>
    /// Multiplications and additions of the part that is timed: enough for a few milliseconds, which the clock resolves, and few enough for
    /// the budget. Batches and rows beyond it are left out, since time is proportional to them; channels never are.
    /// </summary>
    protected const double PartFlops = 2e9;

    /// <summary>Names of the kernels, the plain one first.</summary>
    public abstract IReadOnlyList<string> Kernels { get; }

    /// <summary>Multiplications and additions.</summary>
    public abstract double Flops { get; }

    /// <summary>Computes the operation.</summary>
    /// <param name="kernel">Index of the kernel.</param>
    /// <param name="inputs">The operation's tensors.</param>
    public abstract Tensor Run(int kernel, Tensor[] inputs);

    /// <summary>Inputs for a measurement: noise in place of the data, on the operation's own weights, of a part of the rows.</summary>
    /// <param name="inputs">The operation's tensors.</param>
    public abstract Tensor[] Part(Tensor[] inputs);

    /// <summary>The operation and its shape, in words that are the key of the cache.</summary>
    public abstract override string ToString();

    /// <summary>The data type in words.</summary>
    protected string TypeName => Type.ToString().ToLowerInvariant();

    /// <summary>The rows whose share of the work fits into <see cref="PartFlops"/>, at least some.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="flops">The work for all of them.</param>
    /// <param name="least">The least number, if there are as many.</param>
    protected static long Share(long rows, double flops, long least) =>
        Math.Min(rows, Math.Max(least, (long)(rows * PartFlops / Math.Max(flops, 1))));

    /// <summary>Formats without the culture.</summary>
    protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
