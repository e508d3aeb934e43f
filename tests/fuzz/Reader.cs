namespace ControlNet.ML.Fuzz;

/// <summary>Something that reads what strangers wrote.</summary>
/// <param name="Name">Its name, fit for a file's.</param>
/// <param name="Seeds">Valid inputs.</param>
/// <param name="Read">Reads an input as far as it goes; throws if it cannot be read.</param>
internal sealed record Reader(string Name, IReadOnlyList<byte[]> Seeds, Action<byte[]> Read)
{
    /// <summary>Makes sums and lengths of a changed input right again, so that what lies behind them is reached.</summary>
    public Func<byte[], byte[]>? Repair { get; init; }

    /// <summary>Whether inputs are JSON, which then is changed as such, too.</summary>
    public bool IsJson { get; init; }

    /// <summary>Texts that mean something to this reader.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>The most bytes that reading may allocate in all.</summary>
    public long MostBytes { get; init; } = 512L << 20;

    /// <summary>Whether an exception is one that the reader documents.</summary>
    public Func<Exception, bool> Refuses { get; init; } = error => error is ControlNetException;

    /// <summary>The changed input of a number; the same number gives the same.</summary>
    public byte[] Input(int seed, long number)
    {
        var random = new Random(Hash(seed, number, Name));
        var input = Seeds[random.Next(Seeds.Count)];
        for (var changes = 1 + random.Next(4); changes > 0; changes--)
        {
            input = IsJson && random.Next(2) == 0
                ? JsonMutator.Change(input, random)
                : Mutator.Change(input, Seeds[random.Next(Seeds.Count)], Words, random);
        }

        return Repair is not null && random.Next(4) > 0 ? Repair(input) : input;
    }

    /// <summary>What string.GetHashCode is not: the same in every process.</summary>
    private static int Hash(int seed, long number, string name)
    {
        var hash = 2166136261u;
        foreach (var part in (ReadOnlySpan<long>)[seed, number, number >> 32])
            hash = (hash ^ (uint)part) * 16777619u;
        foreach (var character in name)
            hash = (hash ^ character) * 16777619u;
        return (int)hash;
    }
}
