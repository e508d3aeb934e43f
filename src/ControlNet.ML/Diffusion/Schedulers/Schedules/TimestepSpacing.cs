namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// The timesteps of a scheduler's steps, descending: linspace, leading or trailing, in three variants whose details differ between
/// diffusers' classes.
/// </summary>
internal static class TimestepSpacing
{
    /// <summary>DDIM, DDPM, PNDM: whole timesteps.</summary>
    public static double[] Whole(SchedulerConfig config, int steps) => config.TimestepSpacing switch
    {
        "linspace" => Rounded(Descending(config.NumTrainTimesteps - 1, steps)),
        "leading" => Leading(config.NumTrainTimesteps / steps, steps, config.StepsOffset),
        _ => Trailing(config.NumTrainTimesteps, (double)config.NumTrainTimesteps / steps),
    };

    /// <summary>Euler, Heun, LMS, KDPM2: as <see cref="Whole"/>, but linspace keeps its fractions, in float32.</summary>
    public static double[] Fractional(SchedulerConfig config, int steps) => config.TimestepSpacing == "linspace"
        ? [.. Descending(config.NumTrainTimesteps - 1, steps).Select(timestep => (double)(float)timestep)]
        : Whole(config, steps);

    /// <summary>DPM, UniPC, DEIS: one interval more, for the step to timestep 0, which is not taken.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="last">The number of training timesteps that are used; fewer than all if the noisiest are clipped.</param>
    public static double[] OneMore(SchedulerConfig config, int steps, int last) => config.TimestepSpacing switch
    {
        "leading" => Leading(last / (steps + 1), steps + 1, config.StepsOffset)[..^1],
        "trailing" => Trailing(last, (double)config.NumTrainTimesteps / steps),
        _ => Rounded(Descending(last - 1, steps + 1))[..^1],
    };

    /// <summary>A distilled model's timesteps: evenly spaced entries of its training schedule (LCM, TCD).</summary>
    /// <param name="origin">The training schedule, ascending.</param>
    /// <param name="steps">The number of steps.</param>
    public static double[] Among(double[] origin, int steps)
    {
        var timesteps = new double[steps];
        var interval = (double)origin.Length / steps;
        for (var i = 0; i < steps; i++)
            timesteps[i] = origin[^(1 + (int)Math.Floor(i * interval))];
        return timesteps;
    }

    /// <summary>Custom timesteps: whole, descending, below the number of training timesteps.</summary>
    public static double[] Own(SchedulerConfig config, IReadOnlyList<double> timesteps)
    {
        for (var i = 0; i < timesteps.Count; i++)
        {
            var (timestep, before) = (timesteps[i], i > 0 ? timesteps[i - 1] : config.NumTrainTimesteps);
            if (!(timestep >= 0 && timestep < before && timestep == Math.Floor(timestep)))
                throw new ArgumentException(
                    $"Timestep {i} is {timestep}, expected a whole number from 0 to below {before}.", nameof(timesteps));
        }

        return [.. timesteps];
    }

    /// <summary>numpy.linspace, in double.</summary>
    public static double[] Linspace(double start, double end, int count)
    {
        var values = new double[count];
        var step = count > 1 ? (end - start) / (count - 1) : 0;
        for (var i = 0; i < count; i++)
            values[i] = (i * step) + start;
        if (count > 1)
            values[^1] = end;
        return values;
    }

    private static double[] Descending(double last, int count)
    {
        var timesteps = Linspace(0, last, count);
        Array.Reverse(timesteps);
        return timesteps;
    }

    private static double[] Leading(int ratio, int count, int offset)
    {
        var timesteps = new double[count];
        for (var i = 0; i < count; i++)
            timesteps[i] = ((count - 1 - i) * ratio) + offset;
        return timesteps;
    }

    // numpy.arange(from, 0, -ratio): its length and its increment are computed separately, so rounding can add an element near 0.
    private static double[] Trailing(int from, double ratio)
    {
        var timesteps = new double[(int)Math.Ceiling(from / ratio)];
        var increment = (from - ratio) - from;
        for (var i = 0; i < timesteps.Length; i++)
            timesteps[i] = Math.Round(from + (i * increment), MidpointRounding.ToEven) - 1;
        return timesteps;
    }

    private static double[] Rounded(double[] timesteps)
    {
        foreach (ref var timestep in timesteps.AsSpan())
            timestep = Math.Round(timestep, MidpointRounding.ToEven);
        return timesteps;
    }
}
