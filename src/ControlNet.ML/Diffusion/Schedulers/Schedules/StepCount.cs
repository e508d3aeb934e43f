namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>How many steps a sampler can take with its spacing, where that is fewer than asked for.</summary>
internal static class StepCount
{
    /// <summary>The error that names the most steps.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The steps asked for, which cannot be taken.</param>
    /// <param name="options">What else the run takes.</param>
    /// <param name="obstacle">Why not.</param>
    public static ControlNetException Refuse(SchedulerConfig config, int steps, SchedulerOptions options, string obstacle)
    {
        if (options.Timesteps is not null || options.Sigmas is not null)
            return config.Wrong($"{obstacle}, expected others");
        var spacing = config.TimestepSpacing is "" ? "" : $" with 'timestep_spacing' \"{config.TimestepSpacing}\"";
        var most = Most(config, steps, options);
        return config.Wrong($"{steps} steps{spacing}: {obstacle}, expected {(most == 0 ? "a smaller 'steps_offset'" : $"at most {most} steps")} or another spacing");
    }

    private static int Most(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        var most = steps - 1;
        while (most > 0 && !CanTake(config, most, options))
            most--;
        return most;
    }

    private static bool CanTake(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        try
        {
            return config.Class.Create(config, steps, options).Obstacle() is null;
        }
        catch (ControlNetException)
        {
            return false;
        }
    }
}
