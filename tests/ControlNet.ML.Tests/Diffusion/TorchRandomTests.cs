using ControlNet.ML.Diffusion;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

public sealed class TorchRandomTests
{
    [Property]
    public void The_same_seed_and_the_same_draws_give_the_same_numbers(ulong seed, byte[] draws)
    {
        var (one, other) = (new TorchRandom(seed), new TorchRandom(seed));
        foreach (var draw in draws)
            Assert.Equal(Draw(one, draw), Draw(other, draw));
    }

    [Property]
    public void A_generator_goes_on_from_its_state(ulong seed, byte[] before, byte[] after)
    {
        var random = new TorchRandom(seed);
        foreach (var draw in before)
            Draw(random, draw);
        var resumed = new TorchRandom(0);
        resumed.SetState(random.GetState());
        foreach (var draw in after)
            Assert.Equal(Draw(random, draw), Draw(resumed, draw));
    }

    [Fact]
    public void Only_the_low_32_bits_of_a_seed_count_and_zero_is_a_seed_like_others()
    {
        Assert.Equal(Draw(new TorchRandom(7), 200), Draw(new TorchRandom(7 + (1UL << 32)), 200));
        Assert.NotEqual(Draw(new TorchRandom(0), 200), Draw(new TorchRandom(1), 200));
    }

    [Property]
    public void A_small_draws_second_normal_waits_whatever_is_drawn_in_between(ulong seed)
    {
        var (together, apart) = (new TorchRandom(seed), new TorchRandom(seed));
        var pair = new float[2];
        together.FillNormal(pair);
        var (first, second) = (new float[1], new float[1]);
        apart.FillNormal(first);
        apart.FillNormal(new float[64]);
        apart.Permutation(9);
        apart.FillNormal(second);
        Assert.Equal((pair[0], pair[1]), (first[0], second[0]));
    }

    [Property]
    public void A_permutation_has_every_number_once(ulong seed, byte count) =>
        Assert.Equal(Enumerable.Range(0, count), new TorchRandom(seed).Permutation(count).Order());

    [Property]
    public void Numbers_stay_in_their_range(ulong seed, long range)
    {
        var random = new TorchRandom(seed);
        range = Math.Max(1, Math.Abs(range / 2));
        Assert.InRange(random.NextInt64(range), 0, range - 1);
        Assert.InRange(random.NextInt64(-5, 7), -5, 6);
        var uniform = new float[50];
        random.FillUniform(uniform);
        Assert.All(uniform, value => Assert.InRange(value, 0, MathF.BitDecrement(1)));
    }

    [Fact]
    public void Normals_have_mean_0_and_variance_1()
    {
        var values = new float[100_003];
        new TorchRandom(3).FillNormal(values);
        Assert.InRange(values.Average(), -0.02, 0.02);
        Assert.InRange(values.Average(value => value * value), 0.98, 1.02);
    }

    [Fact]
    public void A_state_of_another_length_or_with_an_impossible_position_is_refused()
    {
        var random = new TorchRandom(1);
        var state = random.GetState();
        Assert.Throws<ControlNetException>(() => random.SetState(state.AsSpan(1)));
        state[2499] = 0x7f;
        Assert.Throws<ControlNetException>(() => random.SetState(state));
    }

    private static double[] Draw(TorchRandom random, byte draw)
    {
        var floats = new float[draw / 6];
        var doubles = new double[draw / 6];
        switch (draw % 6)
        {
            case 0:
                random.FillNormal(doubles);
                return doubles;
            case 1:
                return [.. random.Permutation(draw).Select(value => (double)value)];
            case 2:
                random.FillUniform(floats);
                break;
            case 3:
                return [random.NextInt64(1000), random.NextInt64(), random.NextBernoulli(0.5) ? 1 : 0, random.NextBernoulliSingle(0.5f) ? 1 : 0];
            case 4:
                random.FillNormal(floats, NoisePrecision.Half);
                break;
            default:
                random.FillNormal(floats);
                break;
        }

        return [.. floats.Select(value => (double)value)];
    }
}
