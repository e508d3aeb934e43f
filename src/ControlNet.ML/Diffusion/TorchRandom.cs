using System.Buffers.Binary;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The random numbers of torch's CPU generator, <c>torch.Generator().manual_seed(seed)</c>: the same seed and the same calls give the same
/// values as in Python (integers and uniforms exactly, normals to 5e-7), so that a seed gives the same image as in diffusers. Tested
/// against torch 2.13. Not thread-safe.
/// </summary>
public sealed class TorchRandom : INoiseSource
{
    private const int Block = 16;
    private const int StateLength = (4 * MersenneTwister.Size) + 4 + 1 + 8;
    private MersenneTwister _twister;

    // The second normal of a pair from a small tensor. Torch keeps it for the next small tensor, whatever is generated in between.
    private double? _spare;

    /// <summary>Creates a generator with a seed.</summary>
    /// <param name="seed">
    /// Any number; a negative seed in Python is its two's complement. Torch uses only the low 32 bits. 0 is a seed like any other.
    /// </param>
    public TorchRandom(ulong seed) => _twister = new MersenneTwister((uint)seed);

    private TorchRandom(TorchRandom other) =>
        (_twister, _spare) = (new MersenneTwister(other._twister.State, other._twister.Next), other._spare);

    /// <summary>A generator in the same state, which goes its own way from here.</summary>
    internal TorchRandom Copy() => new(this);

    /// <summary><c>rand(n)</c>: uniform in [0, 1), multiples of 2^-24.</summary>
    /// <param name="values">The values to fill.</param>
    public void FillUniform(Span<float> values)
    {
        foreach (ref var value in values)
            value = NextSingle();
    }

    /// <summary><c>rand(n, dtype=float64)</c>: uniform in [0, 1), multiples of 2^-53.</summary>
    /// <param name="values">The values to fill.</param>
    public void FillUniform(Span<double> values)
    {
        foreach (ref var value in values)
            value = NextDouble();
    }

    /// <summary><c>uniform_(low, high)</c>: uniform in [low, high).</summary>
    /// <param name="values">The values to fill.</param>
    /// <param name="low">The lower bound, inclusive.</param>
    /// <param name="high">The upper bound, exclusive.</param>
    public void FillUniform(Span<float> values, float low, float high)
    {
        foreach (ref var value in values)
            value = MathF.FusedMultiplyAdd(NextSingle(), high - low, low);
    }

    /// <summary><c>randn(n)</c>: draws from N(0, 1).</summary>
    /// <param name="values">All elements of the tensor: for fewer than 16, torch uses another algorithm.</param>
    public void FillNormal(Span<float> values) => FillNormal(values, 0, 1);

    /// <summary><c>normal_(mean, std)</c>.</summary>
    /// <param name="values">All elements of the tensor.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="deviation">The standard deviation, not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation is negative.</exception>
    public void FillNormal(Span<float> values, double mean, double deviation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(deviation);
        if (values.Length < Block)
        {
            foreach (ref var value in values)
                value = (float)((NextNormal() * deviation) + mean);
            return;
        }

        FillUniform(values);
        var start = 0;
        for (; start + Block <= values.Length; start += Block)
            ToNormals(values.Slice(start, Block), mean, deviation);
        if (start == values.Length)
            return;

        // A remainder regenerates the last block of 16, overwriting values of the previous block.
        FillUniform(values[^Block..]);
        ToNormals(values[^Block..], mean, deviation);
    }

    /// <summary><c>randn(n, dtype=float64)</c>: draws from N(0, 1).</summary>
    /// <param name="values">All elements of the tensor.</param>
    public void FillNormal(Span<double> values)
    {
        if (values.Length < Block)
        {
            foreach (ref var value in values)
                value = NextNormal();
            return;
        }

        FillUniform(values);
        var start = 0;
        for (; start + Block <= values.Length; start += Block)
            ToNormals(values.Slice(start, Block));
        if (start == values.Length)
            return;
        FillUniform(values[^Block..]);
        ToNormals(values[^Block..]);
    }

    /// <summary><c>randn(n, dtype=...)</c>: draws from N(0, 1), rounded to another element type.</summary>
    /// <param name="values">All elements of the tensor.</param>
    /// <param name="precision">The element type.</param>
    public void FillNormal(Span<float> values, NoisePrecision precision)
    {
        if (precision == NoisePrecision.Full || values.Length < Block || values.Length % Block == 0)
        {
            FillNormal(values);
        }
        else
        {
            // Here torch generates nothing for a remainder before it regenerates the last block.
            FillNormal(values[..^(values.Length % Block)]);
            FillNormal(values[^Block..]);
        }

        if (precision == NoisePrecision.Full)
            return;
        foreach (ref var value in values)
            value = precision == NoisePrecision.Half ? (float)(Half)value : ToBFloat16(value);
    }

    /// <summary><c>randint(0, range)</c>.</summary>
    /// <param name="range">The upper bound, exclusive; at least 1.</param>
    /// <returns>
    /// 0 to range - 1. Like torch's, slightly biased: the remainder of 32 random bits, or of 64 for a range of 2^28 and above.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is less than 1.</exception>
    public long NextInt64(long range)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(range, 1);
        return range < 1L << 28 ? _twister.NextUInt32() % range : (long)(NextUInt64() % (ulong)range);
    }

    /// <summary><c>randint(low, high)</c>.</summary>
    /// <param name="low">The lower bound, inclusive.</param>
    /// <param name="high">The upper bound, exclusive; above <paramref name="low"/>.</param>
    /// <returns>A number from <c>low</c> to <c>high</c> - 1.</returns>
    public long NextInt64(long low, long high) => low + NextInt64(checked(high - low));

    /// <summary><c>random_()</c> of an int64 tensor's element: 63 random bits.</summary>
    /// <returns>A number of 63 random bits.</returns>
    public long NextInt64() => (long)(NextUInt64() & long.MaxValue);

    /// <summary><c>randperm(n)</c>: the numbers 0 to n - 1 in random order.</summary>
    /// <param name="count">n, not negative.</param>
    /// <returns>The numbers in their new order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = i;
        for (var i = 0; i < count - 1; i++)
        {
            var other = i + (int)(_twister.NextUInt32() % (uint)(count - i));
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }

    /// <summary><c>bernoulli_(p)</c> with a number: true with probability p, using a double uniform.</summary>
    /// <param name="probability">0 to 1.</param>
    /// <returns>The outcome.</returns>
    public bool NextBernoulli(double probability) => NextDouble() < probability;

    /// <summary><c>bernoulli(tensor)</c> of float32, or <c>rand(1) &lt; p</c>: true with probability p, using a float uniform.</summary>
    /// <param name="probability">0 to 1.</param>
    /// <returns>The outcome.</returns>
    public bool NextBernoulliSingle(float probability) => NextSingle() < probability;

    /// <summary>The generator's state, from which another run can continue.</summary>
    /// <returns>
    /// 2,509 bytes, little-endian: the words, the index of the next one, whether a normal is cached, and the cached normal.
    /// </returns>
    public byte[] GetState()
    {
        var state = new byte[StateLength];
        var at = state.AsSpan();
        foreach (var word in _twister.State)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, word);
            at = at[4..];
        }

        BinaryPrimitives.WriteInt32LittleEndian(at, _twister.Next);
        at[4] = (byte)(_spare is null ? 0 : 1);
        BinaryPrimitives.WriteDoubleLittleEndian(at[5..], _spare ?? 0);
        return state;
    }

    /// <summary>Continues from a saved state.</summary>
    /// <param name="state">A state from <see cref="GetState"/>.</param>
    /// <exception cref="ControlNetException">It is not a valid state.</exception>
    public void SetState(ReadOnlySpan<byte> state)
    {
        if (state.Length != StateLength)
            throw new ControlNetException($"A random state has {state.Length} bytes, expected {StateLength}.");
        Span<uint> words = stackalloc uint[MersenneTwister.Size];
        for (var i = 0; i < words.Length; i++)
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(state[(4 * i)..]);
        var rest = state[(4 * words.Length)..];
        var next = BinaryPrimitives.ReadInt32LittleEndian(rest);
        var spare = BinaryPrimitives.ReadDoubleLittleEndian(rest[5..]);
        if (next is < 0 or > MersenneTwister.Size || rest[4] > 1 || !double.IsFinite(spare))
        {
            throw new ControlNetException(
                $"A random state is damaged: its position is {next} and its kept normal {spare}, "
                    + $"expected 0 to {MersenneTwister.Size} and a finite number.");
        }

        _twister = new MersenneTwister(words, next);
        _spare = rest[4] == 1 ? spare : null;
    }

    private ulong NextUInt64()
    {
        ulong high = _twister.NextUInt32();
        return (high << 32) | _twister.NextUInt32();
    }

    private float NextSingle() => (_twister.NextUInt32() & 0xffffff) * (1f / (1 << 24));

    private double NextDouble() => (NextUInt64() & ((1UL << 53) - 1)) * (1.0 / (1UL << 53));

    private double NextNormal()
    {
        if (_spare is { } kept)
        {
            _spare = null;
            return kept;
        }

        var angle = 2 * Math.PI * NextDouble();
        // Torch uses log1p(-u): equal, as 1 - u is exact for a multiple of 2^-53.
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        _spare = radius * Math.Sin(angle);
        return radius * Math.Cos(angle);
    }

    private static void ToNormals(Span<float> block, double mean, double deviation)
    {
        for (var j = 0; j < Block / 2; j++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - block[j]));
            var angle = (double)(2 * MathF.PI * block[j + 8]);
            block[j] = (float)((radius * Math.Cos(angle) * deviation) + mean);
            block[j + 8] = (float)((radius * Math.Sin(angle) * deviation) + mean);
        }
    }

    private static void ToNormals(Span<double> block)
    {
        for (var j = 0; j < Block / 2; j++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - block[j]));
            var angle = 2 * Math.PI * block[j + 8];
            block[j] = radius * Math.Cos(angle);
            block[j + 8] = radius * Math.Sin(angle);
        }
    }

    // Rounds to the nearest value with 8 significant bits, ties to even.
    private static float ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u);
    }
}
