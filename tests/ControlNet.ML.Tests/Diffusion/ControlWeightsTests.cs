using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

public sealed class ControlWeightsTests
{
    private static readonly ControlNetConfig SD1 = ControlNetConfig.StableDiffusion15;

    private static readonly ControlNetConfig XL = ControlNetConfig.StableDiffusion15 with
    {
        BlockOutChannels = [320, 640, 1280],
        DownBlockTypes = ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    };

    [Fact]
    public void The_papers_resolution_weights_go_from_1_at_64_rows_to_8_at_8_rows() =>
        Assert.Equal([1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 8], ControlWeights.Of(ControlWeighting.Resolution, SD1, 64));

    [Fact]
    public void The_two_guess_formulas_differ_as_published()
    {
        var diffusers = ControlWeights.Of(ControlWeighting.GuessLogspace, SD1, 64);
        var original = ControlWeights.Of(ControlWeighting.GuessPower, SD1, 64);

        Assert.Equal((0.1, 1.0), (Math.Round(diffusers[0], 12), diffusers[^1]));
        Assert.Equal(Math.Pow(0.825, 12), original[0], 12);
        Assert.Equal(0.0994, original[0], 4);
        Assert.Equal(1, original[^1]);
        Assert.Equal(13, original.Length);
        Assert.Equal(Math.Pow(0.825, 9), ControlWeights.Of(ControlWeighting.GuessPower, XL, 128)[0], 12);
    }

    [Fact]
    public void Networks_that_pool_weight_alike() =>
        Assert.All(ControlWeights.Of(ControlWeighting.GuessLogspace, SD1 with { GlobalPoolConditions = true }, 64), w => Assert.Equal(1, w));

    [Property]
    public void A_step_is_in_the_window_as_diffusers_counts(byte step, byte more, byte first, byte second)
    {
        var steps = step + more + 1;
        var (start, end) = (Math.Min(first, second) / 255.0, Math.Max(first, second) / 255.0);

        Assert.Equal(
            !((double)step / steps < start || (double)(step + 1) / steps > end),
            new ControlUnit { Start = start, End = end }.IsActive(step, steps));
    }

    [Theory]
    [InlineData(double.NaN, 0, 1)]
    [InlineData(double.PositiveInfinity, 0, 1)]
    [InlineData(1, -0.1, 1)]
    [InlineData(1, 0.6, 0.5)]
    [InlineData(1, 0, 1.1)]
    [InlineData(1, double.NaN, 1)]
    public void What_makes_no_sense_is_refused(double scale, double start, double end) =>
        Assert.Throws<ArgumentException>(() => new ControlUnit { Scale = scale, Start = start, End = end }.Validate());
}
