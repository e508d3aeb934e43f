using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What torch draws for each length and type of tensor follows from its draws of other lengths.</summary>
public sealed class TorchRandomDrawTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(40)]
    public void Mean_and_deviation_stretch_and_shift_the_same_draws(int length)
    {
        var (plain, stretched) = (new float[length], new float[length]);
        new TorchRandom(3).FillNormal(plain);
        new TorchRandom(3).FillNormal(stretched, 10, 3);
        for (var i = 0; i < length; i++)
            Assert.Equal((plain[i] * 3) + 10, stretched[i], 1e-5f);
    }

    [Fact]
    public void Sixteen_are_one_block_and_fifteen_are_drawn_one_by_one()
    {
        // One by one, a second normal is kept for the next draw; in a block none is.
        Assert.Equal(1, State(15)[^9]);
        Assert.Equal(0, State(14)[^9]);
        Assert.Equal(0, State(16)[^9]);
        Assert.Equal(0, DoubleState(16)[^9]);
        Assert.Equal(1, DoubleState(15)[^9]);

        static byte[] State(int length)
        {
            var random = new TorchRandom(1);
            random.FillNormal(new float[length]);
            return random.GetState();
        }

        static byte[] DoubleState(int length)
        {
            var random = new TorchRandom(1);
            random.FillNormal(new double[length]);
            return random.GetState();
        }
    }

    [Theory]
    [InlineData(16, 16, 0)]
    [InlineData(32, 32, 0)]
    [InlineData(33, 33, 16)]
    public void A_remainder_draws_its_block_once_more(int length, int uniforms, int again)
    {
        // How many uniforms were drawn shows in what comes next.
        var (random, counted) = (new TorchRandom(5), new TorchRandom(5));
        random.FillNormal(new float[length]);
        counted.FillUniform(new float[uniforms + again]);
        Assert.Equal(counted.NextInt64(1000), random.NextInt64(1000));
        (random, counted) = (new TorchRandom(5), new TorchRandom(5));
        random.FillNormal(new double[length]);
        counted.FillUniform(new double[uniforms + again]);
        Assert.Equal(counted.NextInt64(1000), random.NextInt64(1000));
    }

    [Theory]
    [InlineData(NoisePrecision.Half, 8)]
    [InlineData(NoisePrecision.Half, 16)]
    [InlineData(NoisePrecision.Half, 32)]
    [InlineData(NoisePrecision.BFloat16, 15)]
    [InlineData(NoisePrecision.BFloat16, 16)]
    public void Whole_blocks_of_another_type_are_the_same_draws_rounded(NoisePrecision precision, int length)
    {
        var (full, rounded) = (new float[length], new float[length]);
        new TorchRandom(7).FillNormal(full);
        new TorchRandom(7).FillNormal(rounded, precision);
        var bound = precision == NoisePrecision.Half ? 1 / 2048.0 : 1 / 256.0;
        for (var i = 0; i < length; i++)
        {
            Assert.InRange(Math.Abs(rounded[i] - full[i]), 0, bound * Math.Abs(full[i]));
            Assert.Equal(0, BitConverter.SingleToInt32Bits(rounded[i]) & (precision == NoisePrecision.Half ? 0x1fff : 0xffff));
        }

        new TorchRandom(7).FillNormal(rounded, NoisePrecision.Full);
        Assert.Equal(full, rounded);
    }

    [Fact]
    public void A_remainder_of_another_type_is_the_last_block_drawn_anew()
    {
        // 20 = 16 and, over its last 12 and the 4 that are left, another 16.
        var random = new TorchRandom(7);
        var (first, second, all) = (new float[16], new float[16], new float[20]);
        random.FillNormal(first, NoisePrecision.Half);
        random.FillNormal(second, NoisePrecision.Half);
        new TorchRandom(7).FillNormal(all, NoisePrecision.Half);
        Assert.Equal([.. first[..4], .. second], all);
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused()
    {
        var random = new TorchRandom(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => random.FillNormal(new float[4], 0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt64(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt64(5, 5));
        Assert.Throws<OverflowException>(() => random.NextInt64(long.MinValue, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.Permutation(-1));
        Assert.Equal(0, random.NextInt64(1));
        Assert.Equal([], random.Permutation(0));
        Assert.Equal([0], random.Permutation(1));
    }

    [Fact]
    public void A_uniform_lies_between_its_bounds_as_that_from_0_to_1_does()
    {
        var (unit, wide) = (new float[50], new float[50]);
        new TorchRandom(2).FillUniform(unit);
        new TorchRandom(2).FillUniform(wide, -3, 5);
        Assert.Equal(unit.Select(value => MathF.FusedMultiplyAdd(value, 8, -3)), wide);
    }

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(1.0, true)]
    public void What_never_or_always_happens_does_so(double probability, bool happens)
    {
        var random = new TorchRandom(4);
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(happens, random.NextBernoulli(probability));
            Assert.Equal(happens, random.NextBernoulliSingle((float)probability));
        }
    }

    [Fact]
    public void A_damaged_state_is_refused_whatever_is_damaged()
    {
        var random = new TorchRandom(1);
        random.FillNormal(new float[1]);
        var sound = random.GetState();
        random.SetState(sound);
        Refused(state => BitConverter.TryWriteBytes(state.AsSpan(^13), -1));
        Refused(state => BitConverter.TryWriteBytes(state.AsSpan(^13), 625));
        Refused(state => state[^9] = 2);
        Refused(state => BitConverter.TryWriteBytes(state.AsSpan(^8), double.NaN));
        Refused(state => BitConverter.TryWriteBytes(state.AsSpan(^8), double.PositiveInfinity));

        var full = (byte[])sound.Clone();
        BitConverter.TryWriteBytes(full.AsSpan(^13), 624);
        random.SetState(full);
        BitConverter.TryWriteBytes(full.AsSpan(^13), 0);
        random.SetState(full);

        void Refused(Action<byte[]> damage)
        {
            var state = (byte[])sound.Clone();
            damage(state);
            Assert.Throws<ControlNetException>(() => random.SetState(state));
        }
    }
}
