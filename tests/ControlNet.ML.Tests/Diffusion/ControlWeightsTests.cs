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
    public void Resolution_weights_go_by_the_trained_side_over_each_residuals_height()
    {
        // 96 rows, then 48, 24 and 12, for 64 in training; 100, 50 and 25 for 128.
        Close.Absolute(
            [2 / 3.0, 2 / 3.0, 2 / 3.0, 4 / 3.0, 4 / 3.0, 4 / 3.0, 8 / 3.0, 8 / 3.0, 8 / 3.0, 16 / 3.0, 16 / 3.0, 16 / 3.0, 16 / 3.0],
            ControlWeights.Of(ControlWeighting.Resolution, SD1, 96), 1e-12, "weights");
        Assert.Equal([1.28, 1.28, 1.28, 2.56, 2.56, 2.56, 5.12, 5.12, 5.12, 5.12], ControlWeights.Of(ControlWeighting.Resolution, XL, 100, trainedSide: 128));
    }

    [Fact]
    public void Guess_weights_grow_by_one_factor_from_residual_to_residual()
    {
        // torch.logspace(-1, 0, 13), and 0.825 to the powers 12 to 0.
        Close.Absolute(
            [0.1, 0.121153, 0.146780, 0.177828, 0.215443, 0.261016, 0.316228, 0.383119, 0.464159, 0.562341, 0.681292, 0.825404, 1],
            ControlWeights.Of(ControlWeighting.GuessLogspace, SD1, 64), 5e-7, "logspace");
        Close.Absolute(
            [0.099414, 0.120502, 0.146063, 0.177046, 0.214601, 0.260122, 0.315300, 0.382182, 0.463250, 0.561516, 0.680625, 0.825, 1],
            ControlWeights.Of(ControlWeighting.GuessPower, SD1, 64), 5e-7, "powers");
    }

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
        // Few steps and round windows, whose ends often fall on a step's.
        var (at, steps) = (step % 10, (step % 10) + (more % 10) + 1);
        var (start, end) = (Math.Min(first % 21, second % 21) / 20.0, Math.Max(first % 21, second % 21) / 20.0);

        Assert.Equal(
            !((double)at / steps < start || (double)(at + 1) / steps > end),
            new ControlUnit { Start = start, End = end }.IsActive(at, steps));
    }

    [Fact]
    public void The_ends_of_a_window_belong_to_it()
    {
        var unit = new ControlUnit { Start = 0.25, End = 0.75 };
        Assert.Equal([false, true, true, false], Enumerable.Range(0, 4).Select(step => unit.IsActive(step, 4)));
        Assert.All(Enumerable.Range(0, 4), step => Assert.True(new ControlUnit().IsActive(step, 4)));
        Assert.False(new ControlUnit { Scale = 0 }.IsActive(0, 4));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.4, 0.4)]
    [InlineData(1, 1)]
    public void A_window_may_be_empty(double start, double end) => Assert.Null(new ControlUnit { Start = start, End = end }.Validate());

    [Theory]
    [InlineData(double.NaN, 0, 1)]
    [InlineData(double.PositiveInfinity, 0, 1)]
    [InlineData(1, -0.1, 1)]
    [InlineData(1, 0.6, 0.5)]
    [InlineData(1, 0, 1.1)]
    [InlineData(1, double.NaN, 1)]
    public void What_makes_no_sense_is_refused(double scale, double start, double end) =>
        Assert.NotNull(new ControlUnit { Scale = scale, Start = start, End = end }.Validate());
}
