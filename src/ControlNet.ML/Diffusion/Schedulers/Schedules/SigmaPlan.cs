namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The timesteps of a schedule, for the network, and the noise levels at them and after the last.</summary>
internal readonly record struct SigmaPlan(double[] Timesteps, float[] Sigmas)
{
    /// <summary>The plan of the schedulers that integrate over σ: spaced by timestep, then by σ between the same ends.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="own">Custom timesteps; null for those of the configuration.</param>
    /// <param name="levels">The noise levels of the training schedule.</param>
    public static SigmaPlan Of(SchedulerConfig config, int steps, IReadOnlyList<double>? own, NoiseLevels levels)
    {
        if (own is not null && (config.UseKarrasSigmas || config.UseExponentialSigmas || config.UseBetaSigmas))
            throw SpacedTwice(config);
        var timesteps = own is null ? TimestepSpacing.Fractional(config, steps) : TimestepSpacing.Own(config, own);
        var sigmas = config.InterpolationType == "log_linear" ? levels.LogLinear(steps + 1) : levels.At(timesteps);
        if (NoiseLevels.Spaced(config, sigmas[0], sigmas[^1], steps) is { } spaced)
            (timesteps, sigmas) = ([.. spaced.Select(sigma => (double)(float)levels.TimestepOf(sigma))], spaced);
        return new SigmaPlan(
            timesteps, [.. sigmas.Select(sigma => (float)sigma), config.FinalSigmasType == "sigma_min" ? levels.Least : 0]);
    }

    /// <summary>
    /// The plan of the log-SNR solvers, without the noise level after the last step: by default one interval more than steps; when spaced
    /// by σ, from end to end of the schedule.
    /// </summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="own">Custom timesteps; null for those of the configuration.</param>
    /// <param name="levels">The noise levels of the training schedule.</param>
    /// <param name="last">The number of training timesteps that are used.</param>
    /// <param name="round">Whether timesteps computed from Karras' or Lu's σ are rounded before their fraction is dropped.</param>
    public static SigmaPlan OfSolver(
        SchedulerConfig config, int steps, IReadOnlyList<double>? own, NoiseLevels levels, int last, bool round)
    {
        var spaced = config.UseLuLambdas && !config.UseKarrasSigmas
            ? levels.Lu(steps)
            : NoiseLevels.Spaced(config, levels.Largest, levels.Least, steps);
        if (own is not null && spaced is not null)
            throw SpacedTwice(config);
        var timesteps = own is null ? TimestepSpacing.OneMore(config, steps, last) : TimestepSpacing.Own(config, own);
        if (spaced is not null)
        {
            var rounded = round && (config.UseKarrasSigmas || config.UseLuLambdas);
            Func<double, double> cast = rounded ? timestep => Math.Round(timestep, MidpointRounding.ToEven) : Math.Truncate;
            timesteps = [.. spaced.Select(sigma => cast(levels.TimestepOf(sigma)))];
        }

        return new SigmaPlan(timesteps, [.. (spaced ?? levels.At(timesteps)).Select(sigma => (float)sigma)]);
    }

    private static ArgumentException SpacedTwice(SchedulerConfig config) => new(
        $"Custom timesteps, but {config.ClassName} spaces by noise level ('use_..._sigmas'): expected one or the other.", nameof(config));

    /// <summary>The same plan with a noise level after the last step.</summary>
    public SigmaPlan EndingIn(float sigma) => this with { Sigmas = [.. Sigmas, sigma] };
}
