namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Seeds for the parts of a run. Each draw depends only on the run's seed, its purpose and the number of its step or sample, not on earlier
/// draws. So the step number is all the random state that a checkpoint needs.
/// </summary>
internal static class Seeds
{
    /// <summary>Purposes of seeds; the values only have to differ.</summary>
    public const ulong Order = 1, Sample = 2, Validation = 3, Network = 4, HeldOut = 5;

    /// <summary>Mixes several numbers into a seed (SplitMix64's finaliser, applied after adding an odd constant times each).</summary>
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
