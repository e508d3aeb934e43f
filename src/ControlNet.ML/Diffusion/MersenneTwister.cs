namespace ControlNet.ML.Diffusion;

/// <summary>mt19937 (Matsumoto and Nishimura, 1998): the 32-bit generator behind torch's CPU random numbers.</summary>
internal sealed class MersenneTwister
{
    /// <summary>The number of words of the state.</summary>
    public const int Size = 624;

    private const int Shift = 397;
    private readonly uint[] _state = new uint[Size];
    private int _next;

    public MersenneTwister(uint seed)
    {
        _state[0] = seed;
        for (uint i = 1; i < Size; i++)
            _state[i] = (1812433253u * (_state[i - 1] ^ (_state[i - 1] >> 30))) + i;
        _next = Size;
    }

    /// <summary>Continues from a saved state.</summary>
    /// <param name="state">The 624 words.</param>
    /// <param name="next">Index of the next word, 0 to 624.</param>
    public MersenneTwister(ReadOnlySpan<uint> state, int next)
    {
        state.CopyTo(_state);
        _next = next;
    }

    public ReadOnlySpan<uint> State => _state;

    public int Next => _next;

    public uint NextUInt32()
    {
        if (_next == Size)
            Regenerate();
        var y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    /// <summary>
    /// Uniform in [0, 1) as NumPy's <c>random_sample</c> computes it, 27 bits of one number and 26 of the next; torch's differs.
    /// </summary>
    public double NextDouble53()
    {
        var (high, low) = (NextUInt32() >> 5, NextUInt32() >> 6);
        return ((high * 67108864.0) + low) / 9007199254740992.0;
    }

    private void Regenerate()
    {
        for (var i = 0; i < Size; i++)
        {
            var y = (_state[i] & 0x80000000u) | (_state[(i + 1) % Size] & 0x7fffffffu);
            _state[i] = _state[(i + Shift) % Size] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0dfu);
        }

        _next = 0;
    }
}
