using ControlNet.ML.Diffusion;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Classifier-free guidance and its rescaling, with numbers worked out by hand.</summary>
public class GuidanceTests
{
    [Fact]
    public void Guidance_goes_from_the_unconditional_prediction_towards_the_conditional_one_and_beyond()
    {
        // 1 + 7.5 (3 - 1) = 16; -2 + 7.5 (4 + 2) = 43; 0.5 + 7.5 (0.25 - 0.5) = -1.375
        var result = new float[3];
        Guidance.Combine([1, -2, 0.5f], [3, 4, 0.25f], 7.5f, result);
        Assert.Equal([16, 43, -1.375f], result);
    }

    [Property]
    public void Scale_0_is_the_unconditional_and_1_the_conditional_prediction_and_2_as_far_again(NonEmptyArray<short> unconditional, short difference)
    {
        // Sixteenths, which are exact.
        float[] from = Array.ConvertAll(unconditional.Get, value => value / 16f);
        float[] to = Array.ConvertAll(from, value => value + (difference / 16f));
        var result = new float[from.Length];
        Guidance.Combine(from, to, 0, result);
        Assert.Equal(from, result);
        Guidance.Combine(from, to, 1, result);
        Assert.Equal(to, result);
        Guidance.Combine(from, to, 2, result);
        Assert.Equal(Array.ConvertAll(from, value => value + (difference / 8f)), result);
    }

    [Property]
    public void The_result_may_take_the_place_of_either_prediction(NonEmptyArray<short> values, short scale)
    {
        float[] unconditional = Array.ConvertAll(values.Get, value => value / 100f);
        float[] conditional = [.. unconditional.Reverse()];
        var expected = new float[values.Get.Length];
        Guidance.Combine(unconditional, conditional, scale, expected);
        var (first, second) = ((float[])unconditional.Clone(), (float[])conditional.Clone());
        Guidance.Combine(first, conditional, scale, first);
        Guidance.Combine(unconditional, second, scale, second);
        Assert.Equal(expected, first);
        Assert.Equal(expected, second);
    }

    [Theory]
    [InlineData(0, 4, 12)]
    [InlineData(0.7, 1.9, 5.7)]
    [InlineData(1, 1, 3)]
    public void Rescaling_multiplies_by_a_blend_of_1_and_the_ratio_of_deviations(double rescale, double first, double second)
    {
        // rescale_noise_cfg: the deviations are √2 and 4√2, so the ratio is 1/4, and 0.7 / 4 + 0.3 = 0.475. The mean is multiplied, too.
        float[] guided = [4, 12];
        Guidance.Rescale([5, 7], (float)rescale, guided);
        Close.Absolute<double, float>([first, second], guided, 1e-6, "guided");
    }

    [Property]
    public void Rescaled_in_full_the_deviation_is_the_conditional_ones_whatever_the_means(NonEmptyArray<short> values, byte factor, short offset)
    {
        // Deviates by construction: a further value is the largest of all.
        float[] conditional = [.. values.Get.Select(value => value / 64f), 600];
        float[] guided = Array.ConvertAll(conditional, value => ((1 + factor) * value) + (offset / 64f));
        Guidance.Rescale(conditional, 1, guided);
        Assert.Equal(Deviation(conditional), Deviation(guided), 1e-3 * Deviation(conditional));

        static double Deviation(float[] values) => Math.Sqrt(values.Select(value => Math.Pow(value - values.Average(v => (double)v), 2)).Average());
    }

    [Fact]
    public void The_embedding_of_a_guidance_scale_is_sines_then_cosines_of_a_thousand_times_what_exceeds_1()
    {
        // Width 4 has the frequencies 1 and 1/10,000. An odd width ends in a zero, as diffusers pads it.
        double[] expected = [Math.Sin(500), Math.Sin(0.05), Math.Cos(500), Math.Cos(0.05)];
        Close.Absolute(expected, Guidance.Embed(1.5, 4), 1e-5, "embedding");
        Close.Absolute([.. expected, 0], Guidance.Embed(1.5, 5), 1e-5, "embedding");

        // Width 6 has 1, 1/100 and 1/10,000.
        Close.Absolute([Math.Sin(500), Math.Sin(5), Math.Sin(0.05), Math.Cos(500), Math.Cos(5), Math.Cos(0.05)], Guidance.Embed(1.5, 6), 1e-4, "embedding");
    }
}
