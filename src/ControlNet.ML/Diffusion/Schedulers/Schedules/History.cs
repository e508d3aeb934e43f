namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The last few arrays of the same length, latest first; a new one overwrites the oldest.</summary>
internal sealed class History
{
    private readonly float[][] _entries;
    private int _latest;

    public History(int capacity, int length)
    {
        _entries = new float[capacity][];
        for (var i = 0; i < capacity; i++)
            _entries[i] = new float[length];
    }

    /// <summary>The number of entries, at most the capacity.</summary>
    public int Count { get; private set; }

    /// <summary>An entry: 0 is the latest, 1 the one before.</summary>
    public float[] this[int age] => _entries[(_latest + age) % _entries.Length];

    /// <summary>Adds an entry as the latest, to be filled by the caller.</summary>
    public float[] Push()
    {
        _latest = (_latest + _entries.Length - 1) % _entries.Length;
        Count = Math.Min(Count + 1, _entries.Length);
        return _entries[_latest];
    }
}
