using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Evaluation;

/// <summary>Random choices of items, for subsets and bootstrap intervals; the same for a seed on every machine.</summary>
/// <param name="seed">The seed.</param>
internal sealed class Resampling(ulong seed)
{
    private readonly MersenneTwister _random = new((uint)(seed ^ (seed >> 32)));

    /// <summary>Chooses different items.</summary>
    /// <param name="count">Number of items.</param>
    /// <param name="size">How many are chosen, at most all.</param>
    /// <returns>Their indices, in random order.</returns>
    public int[] Without(int count, int size)
    {
        var items = Enumerable.Range(0, count).ToArray();
        for (var i = 0; i < size; i++)
        {
            var other = i + Next(count - i);
            (items[i], items[other]) = (items[other], items[i]);
        }

        return items[..size];
    }

    /// <summary>Chooses as many items as there are, each any number of times.</summary>
    public int[] With(int count)
    {
        var items = new int[count];
        for (var i = 0; i < count; i++)
            items[i] = Next(count);
        return items;
    }

    /// <summary>Uniform from 0 to below a bound.</summary>
    private int Next(int bound) => (int)(_random.NextDouble53() * bound);
}
