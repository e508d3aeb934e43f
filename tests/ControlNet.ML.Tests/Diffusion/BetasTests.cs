using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Schedules so short that their numbers are seen at a glance; the parity tests compare the long ones.</summary>
public sealed class BetasTests
{
    [Fact]
    public void The_first_and_the_last_are_those_given_to_the_last_bit()
    {
        // torch.linspace counts the second half from its end: (end - start) + start would round twice.
        Assert.Equal([0.9f, 0.0001f], Create("linear", 2, 0.9, 0.0001));
        Assert.Equal([0.9f], Create("linear", 1, 0.9, 0.0001));
    }

    [Fact]
    public void Those_between_lie_on_a_line_or_on_a_line_of_their_roots()
    {
        Near([0.1, 0.3, 0.5, 0.7, 0.9], Create("linear", 5, 0.1, 0.9));
        Near([0.01, 0.04, 0.09, 0.16], Create("scaled_linear", 4, 0.01, 0.16));
    }

    [Fact]
    public void Those_of_a_curve_of_the_signal_leave_no_more_than_a_thousandth_in_one_step()
    {
        // ᾱ(t) = cos² of a right angle's share: 0.49 of the first half is left, nothing at the end.
        static double Cosine(double t) => Math.Pow(Math.Cos((t + 0.008) / 1.008 * Math.PI / 2), 2);
        Near([1 - (Cosine(0.5) / Cosine(0)), 0.999], Create("squaredcos_cap_v2", 2, 0.1, 0.2));

        // ᾱ(t) = e^-12t
        Near([1 - Math.Exp(-6), 1 - Math.Exp(-6)], Create("exp", 2, 0.1, 0.2, "HeunDiscreteScheduler"));
    }

    [Fact]
    public void Those_of_a_sigmoid_go_from_minus_6_to_6()
    {
        static double Sigmoid(double x) => 0.1 + (0.4 / (1 + Math.Exp(-x)));
        Near([Sigmoid(-6), Sigmoid(0), Sigmoid(6)], Create("sigmoid", 3, 0.1, 0.5, "DDPMScheduler"));
    }

    [Fact]
    public void Rescaled_to_zero_terminal_snr_roots_are_shifted_and_stretched()
    {
        // √ᾱ: 0.8, 0.6, 0.4 becomes (√ᾱ - 0.4) · 0.8 / 0.4: 0.8, 0.4, 0
        var schedule = new NoiseSchedule([0.36f, 0.4375f, (float)(1 - (0.16 / 0.36))], zeroTerminalSnr: true);
        Near([0.64, 0.16, 0], schedule.AlphasCumprod.ToArray());
        Near([0.36, 0.75, 1], schedule.Beta.ToArray());
    }

    private static float[] Create(string schedule, int count, double start, double end, string scheduler = "DDIMScheduler") =>
        [.. NoiseSchedule.Create(SchedulerConfig.Default(scheduler) with { NumTrainTimesteps = count, BetaSchedule = schedule, BetaStart = start, BetaEnd = end }).Beta];

    private static void Near(double[] expected, float[] actual) =>
        Assert.Equal(expected, actual.Select(value => (double)value), (a, b) => Math.Abs(a - b) < 1e-6);
}
