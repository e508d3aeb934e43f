namespace ControlNet.ML.Torch.Verification;

/// <summary>What the check of one operation found.</summary>
/// <param name="Operation">The operation, for instance <c>convolution 3x3, 24 to 40 channels</c>.</param>
/// <param name="Type">What it computes in: <c>float32</c>, <c>bfloat16</c> or <c>float16</c>.</param>
/// <param name="Pass"><c>forward</c> or <c>gradients</c>.</param>
/// <param name="Error">Largest error beside double precision, as a share of the largest value; infinite where a value is not finite.</param>
/// <param name="Bound">What rounding explains.</param>
/// <param name="Outcome">Whether the operation can be trusted.</param>
public sealed record OperationResult(string Operation, string Type, string Pass, double Error, double Bound, OperationOutcome Outcome)
{
    /// <summary>The operation in one line.</summary>
    public override string ToString() => $"{Operation}, {Type}, {Pass}";
}

/// <summary>Whether an operation can be trusted on this machine.</summary>
public enum OperationOutcome
{
    /// <summary>It is right.</summary>
    Right,

    /// <summary>It is wrong with oneDNN and right with libtorch's own kernels, which are used from now on.</summary>
    RightWithoutOneDnn,

    /// <summary>It is wrong, and no other kernel is at hand.</summary>
    Wrong,
}
