namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The maximum number of steps of a scheduler with its spacing, if that is less than requested.</summary>
internal static class StepCount
{
    /// <summary>The error that names the maximum number of steps.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The requested steps, which are not possible.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="obstacle">Why they are not possible.</param>
    public static ControlNetException Refuse(SchedulerConfig config, int steps, SchedulerOptions options, string obstacle)
    {
        if (options.Timesteps is not null || options.Sigmas is not null)
            return config.Wrong($"{obstacle}, expected others");
        var spacing = config.TimestepSpacing is "" ? "" : $" with 'timestep_spacing' \"{config.TimestepSpacing}\"";
        var most = Most(config, steps, options);
        var expected = most == 0 ? "a smaller 'steps_offset'" : $"at most {most} steps";
        return config.Wrong($"{steps} steps{spacing}: {obstacle}, expected {expected} or another spacing");
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
