namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Pseudo numerical methods for diffusion models (Liu et al., 2022): linear multistep of up to fourth order on the predicted noise, started
/// by Runge-Kutta steps or, as in Stable Diffusion, by taking one step twice (<c>skip_prk_steps</c>).
/// </summary>
public sealed class Pndm : AlphaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "PNDMScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "skip_prk_steps": false, "set_alpha_to_one": false, "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 0}
        """,
        (config, steps, options) => new Pndm(config, steps, options))
    {
        Choices = new() { ["prediction_type"] = ["epsilon", "v_prediction"] },
    };

    private const int MaxOrder = 4;
    private const int RungeKuttaCalls = 12;
    private readonly bool _velocity;
    private readonly int _stride;
    private readonly int _rungeKuttaSteps;
    private float[] _start = [];
    private float[] _mean = [];
    private History _outputs = new(0, 0);

    private Pndm(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, TimestepsOf(config, steps), options)
    {
        _velocity = config.PredictionType == PredictionType.Velocity;
        _stride = config.NumTrainTimesteps / steps;
        _rungeKuttaSteps = config.SkipPrkSteps ? 0 : RungeKuttaCalls;
        if (!config.SkipPrkSteps && (steps < MaxOrder || Begin > 0))
        {
            var given = steps < MaxOrder ? $"{steps} steps" : $"a start at timestep {Begin} of the schedule";
            throw config.Wrong(
                $"{given}, expected at least {MaxOrder} steps from the first on for its Runge-Kutta start, or 'skip_prk_steps' to be true");
        }
    }

    private protected override void Allocate(int length)
    {
        (_start, _mean) = (new float[length], new float[length]);
        _outputs = new History(MaxOrder, length);
    }

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        if (step < _rungeKuttaSteps)
            RungeKutta(output, step, sample);
        else
            Multistep(output, step, sample);
    }

    private static double[] TimestepsOf(SchedulerConfig config, int steps)
    {
        var timesteps = TimestepSpacing.Whole(config, steps);
        if (config.SkipPrkSteps)
            return timesteps is [var first, var second, .. var rest] ? [first, second, second, .. rest] : timesteps;

        // Each of the first four timesteps except the last is evaluated at its start, twice at the middle and at its end.
        var half = config.NumTrainTimesteps / steps / 2;
        var start = new List<double>();
        foreach (var timestep in timesteps.Take(MaxOrder).Reverse())
            start.AddRange([timestep, timestep + half]);
        start.RemoveAt(start.Count - 1);
        var twice = start.SelectMany(timestep => new[] { timestep, timestep }).Skip(1).SkipLast(1).Reverse();
        return [.. twice, .. timesteps.Skip(MaxOrder - 1)];
    }

    // One classical Runge-Kutta step is four calls with weights 1/6, 1/3, 1/3, 1/6, all from the sample at its start.
    private void RungeKutta(ReadOnlySpan<float> output, int step, Span<float> sample)
    {
        var stage = step % 4;
        if (stage == 0)
        {
            output.CopyTo(_outputs.Push());
            sample.CopyTo(_start);
            WeightedSum.Set(_mean, 1.0 / 6, output);
        }
        else
        {
            WeightedSum.Add(_mean, stage == 3 ? 1.0 / 6 : 1.0 / 3, output);
        }

        var from = (int)Timesteps[step - stage];
        var to = (int)Timesteps[step] - (stage % 2 == 0 ? _stride / 2 : 0);
        Transfer(from, to, stage == 3 ? _mean : output, _start, sample);
    }

    private void Multistep(ReadOnlySpan<float> output, int step, Span<float> sample)
    {
        var from = (int)Timesteps[step];
        var to = from - _stride;
        var again = step == 1;
        if (again)
            (from, to) = (from + _stride, from);
        else
            output.CopyTo(_outputs.Push());
        switch (_outputs.Count)
        {
            case 1 when again:
                WeightedSum.Set(_mean, 0.5, output, 0.5, _outputs[0]);
                Transfer(from, to, _mean, _start, sample);
                return;
            case 1:
                sample.CopyTo(_start);
                output.CopyTo(_mean);
                break;
            case 2:
                WeightedSum.Set(_mean, 3.0 / 2, _outputs[0], -1.0 / 2, _outputs[1]);
                break;
            case 3:
                WeightedSum.Set(_mean, 23.0 / 12, _outputs[0], -16.0 / 12, _outputs[1]);
                WeightedSum.Add(_mean, 5.0 / 12, _outputs[2]);
                break;
            default:
                WeightedSum.Set(_mean, 55.0 / 24, _outputs[0], -59.0 / 24, _outputs[1]);
                WeightedSum.Add(_mean, 37.0 / 24, _outputs[2]);
                WeightedSum.Add(_mean, -9.0 / 24, _outputs[3]);
                break;
        }

        Transfer(from, to, _mean, sample, sample);
    }

    // Equation 9 of the paper; target may be the sample.
    private void Transfer(int from, int to, ReadOnlySpan<float> output, ReadOnlySpan<float> sample, Span<float> target)
    {
        var (alphaBar, alphaBarNext) = (AlphaBar(from), AlphaBarOrFinal(to));
        var (beta, betaNext) = (1 - alphaBar, 1 - alphaBarNext);
        var denominator = (alphaBar * Math.Sqrt(betaNext)) + Math.Sqrt(alphaBar * beta * alphaBarNext);
        var perNoise = -(alphaBarNext - alphaBar) / denominator;
        var perSample = Math.Sqrt(alphaBarNext / alphaBar);
        if (_velocity)
            WeightedSum.Set(target, perSample + (perNoise * Math.Sqrt(beta)), sample, perNoise * Math.Sqrt(alphaBar), output);
        else
            WeightedSum.Set(target, perSample, sample, perNoise, output);
    }
}
