namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Linear multistep (Adams-Bashforth) on dx/dσ, k-diffusion's <c>sample_lms</c>: the integral of the polynomial through the last few
/// derivatives.
/// </summary>
public sealed class LmsDiscrete : SigmaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "LMSDiscreteScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false, "prediction_type": "epsilon",
         "timestep_spacing": "linspace", "steps_offset": 0}
        """,
        (config, steps, options) => new LmsDiscrete(config, steps, options))
    {
        Options = [nameof(SchedulerOptions.Order), nameof(SchedulerOptions.OrderOfWholeSchedule)],
    };

    // Gauss-Legendre quadrature with five points on [-1, 1]: exact to degree 9, so to order 10.
    private static readonly (double Place, double Weight)[] Points =
    [
        (-0.9061798459386640, 0.2369268850561891), (-0.5384693101056831, 0.4786286704993665), (0, 0.5688888888888889),
        (0.5384693101056831, 0.4786286704993665), (0.9061798459386640, 0.2369268850561891),
    ];

    private readonly int _order;
    private readonly bool _ofWholeSchedule;
    private History _derivatives = new(0, 0);

    private LmsDiscrete(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, SigmaPlan.Of(config, steps, null, new NoiseLevels(config)), options) =>
        (_order, _ofWholeSchedule) = (options.Order ?? 4, options.OrderOfWholeSchedule ?? false);

    private protected override void Allocate(int length) => _derivatives = new History(_order, length);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var index = Begin + step;
        Derivative(output, sample, Sigmas[index], _derivatives.Push());

        var order = OrderAt(step);
        for (var age = 0; age < Math.Min(order, _derivatives.Count); age++)
            WeightedSum.Add(sample, Coefficient(index, age, order), _derivatives[age]);
    }

    private protected override bool IsFinite(int step)
    {
        var order = OrderAt(step);
        return Enumerable.Range(0, order).All(age => double.IsFinite(Coefficient(Begin + step, age, order)));
    }

    // At most the number of derivatives. diffusers also counts the skipped steps, whose derivatives are 0.
    private int OrderAt(int step) => Math.Min((_ofWholeSchedule ? Begin : 0) + step + 1, _order);

    // The integral over the step of the Lagrange polynomial that is 1 at the noise level of that age and 0 at the others.
    private double Coefficient(int index, int age, int order)
    {
        var (middle, half) = (((double)Sigmas[index + 1] + Sigmas[index]) / 2, ((double)Sigmas[index + 1] - Sigmas[index]) / 2);
        var sum = 0.0;
        foreach (var (place, weight) in Points)
        {
            var product = weight * half;
            for (var other = 0; other < order; other++)
            {
                if (other != age)
                    product *= (middle + (half * place) - Sigmas[index - other]) / ((double)Sigmas[index - age] - Sigmas[index - other]);
            }

            sum += product;
        }

        return sum;
    }
}
