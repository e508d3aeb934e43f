namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Seeds for the parts of a run: each draw depends on the run's seed, what it is for, and which step or sample it belongs to, and on nothing
/// that happened before. So a run that resumes needs no random state but the number of its step.
/// </summary>
internal static class Seeds
{
    /// <summary>What seeds are for; the numbers have no meaning but to differ.</summary>
    public const ulong Order = 1, Sample = 2, Validation = 3, Network = 4, HeldOut = 5;

    /// <summary>A seed of several numbers (SplitMix64's finaliser over their sum with odd steps).</summary>
    public static ulong Mix(ulong seed, ulong purpose, long index)
    {
        var mixed = Finish(seed + (0x9E3779B97F4A7C15 * purpose));
        mixed = Finish(mixed + (0x9E3779B97F4A7C15 * unchecked((ulong)index + 1)));

        // torch's generator takes the low 32 bits.
        return mixed >> 32;
    }

    private static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
