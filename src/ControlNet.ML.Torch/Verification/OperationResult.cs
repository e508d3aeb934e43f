namespace ControlNet.ML.Torch.Verification;

/// <summary>The result of checking one operation.</summary>
/// <param name="Operation">The operation, for instance <c>convolution 3x3, 24 to 40 channels</c>.</param>
/// <param name="Type">Its data type: <c>float32</c>, <c>bfloat16</c> or <c>float16</c>.</param>
/// <param name="Pass"><c>forward</c> or <c>gradients</c>.</param>
/// <param name="Error">Largest error against double precision, relative to the largest value; infinite if a value is not finite.</param>
/// <param name="Bound">The largest error that rounding explains.</param>
/// <param name="Outcome">Whether the operation can be trusted.</param>
public sealed record OperationResult(string Operation, string Type, string Pass, double Error, double Bound, OperationOutcome Outcome)
{
    /// <summary>The operation in one line.</summary>
    public override string ToString() => $"{Operation}, {Type}, {Pass}";
}

/// <summary>Whether an operation can be trusted on this machine.</summary>
public enum OperationOutcome
{
    /// <summary>It is correct.</summary>
    Right,

    /// <summary>It is wrong with oneDNN and correct with libtorch's own kernels, which are used from now on.</summary>
    RightWithoutOneDnn,

    /// <summary>It is wrong, and no other kernel is available.</summary>
    Wrong,
}
