namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The last few arrays of one length, latest first; the oldest makes room for the next.</summary>
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

    /// <summary>How many entries there are, at most the capacity.</summary>
    public int Count { get; private set; }

    /// <summary>An entry: 0 is the latest, 1 the one before.</summary>
    public float[] this[int age] => _entries[(_latest + age) % _entries.Length];

    /// <summary>The entry that becomes the latest, to be filled.</summary>
    public float[] Push()
    {
        _latest = (_latest + _entries.Length - 1) % _entries.Length;
        Count = Math.Min(Count + 1, _entries.Length);
        return _entries[_latest];
    }
}
