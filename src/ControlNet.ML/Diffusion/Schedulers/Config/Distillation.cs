namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The shared part of LCM and TCD: their options, and timesteps from the schedule that a model was distilled on.</summary>
internal static class Distillation
{
    public const string Defaults =
        """
        {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "trained_betas": null,
         "original_inference_steps": 50, "clip_sample": false, "clip_sample_range": 1.0, "set_alpha_to_one": true, "steps_offset": 0,
         "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995, "sample_max_value": 1.0,
         "timestep_spacing": "leading", "timestep_scaling": 10.0, "rescale_betas_zero_snr": false}
        """;

    /// <summary>The timesteps of a run.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="everyTimestep">Whether to choose from all training timesteps rather than from the distillation schedule's.</param>
    public static double[] Timesteps(SchedulerConfig config, int steps, SchedulerOptions options, bool everyTimestep = false)
    {
        var originalSteps = options.OriginalInferenceSteps ?? config.OriginalInferenceSteps;
        if (originalSteps > config.NumTrainTimesteps)
        {
            throw config.Wrong(
                $"a distillation schedule of {originalSteps} steps on {config.NumTrainTimesteps} training timesteps, "
                    + "expected no more than those");
        }

        var strength = options.OriginalStrength ?? 1;
        if (options.Timesteps is { } own)
        {
            var timesteps = TimestepSpacing.Own(config, own);
            return timesteps[(timesteps.Length - (int)(timesteps.Length * strength))..];
        }

        var stride = config.NumTrainTimesteps / originalSteps;
        double[] origin = everyTimestep
            ? [.. Enumerable.Range(0, (int)(config.NumTrainTimesteps * strength)).Select(t => (double)t)]
            : [.. Enumerable.Range(1, (int)(originalSteps * strength)).Select(i => (double)((i * stride) - 1))];
        var most = Math.Min(origin.Length, originalSteps);
        if (steps > most)
        {
            throw config.Wrong(
                $"{steps} steps, expected at most {most}: the model was distilled on {originalSteps} ('original_inference_steps'), "
                    + $"and a share of {strength} is used");
        }

        return TimestepSpacing.Among(origin, steps);
    }
}
