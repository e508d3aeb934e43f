using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Verification;

/// <summary>Memory that libtorch has freed and will give to the next operations.</summary>
internal static class UnwrittenMemory
{
    /// <summary>
    /// Fills free memory with NaN, so that a kernel that reads memory it never wrote returns NaN instead of, by luck, the right numbers.
    /// </summary>
    public static void FillWithNaN()
    {
        using var scope = NewDisposeScope();
        for (long size = 64; size <= 1 << 18; size *= 4)
        {
            for (var i = 0; i < (size > 10_000 ? 4 : 16); i++)
                empty([size + (16 * i)]).FillInPlace(double.NaN);
        }
    }
}
