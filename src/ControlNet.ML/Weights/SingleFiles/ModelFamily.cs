using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>The families of Stable Diffusion.</summary>
internal enum ModelFamily
{
    /// <summary>Stable Diffusion 1: CLIP ViT-L/14.</summary>
    SD1,

    /// <summary>Stable Diffusion 2: OpenCLIP ViT-H/14.</summary>
    SD2,

    /// <summary>SDXL: CLIP ViT-L/14 and OpenCLIP ViT-bigG/14.</summary>
    SDXL,
}

/// <summary>
/// What a single file does not say and its family does. Source: the configurations of the repositories that diffusers'
/// <c>from_single_file</c> takes them from (stable-diffusion-v1-5, stable-diffusion-2-1, stable-diffusion-xl-base-1.0).
/// </summary>
internal static class ModelFamilies
{
    /// <summary>The family's name in messages.</summary>
    public static string InWords(this ModelFamily family) => family switch
    {
        ModelFamily.SD1 => "Stable Diffusion 1",
        ModelFamily.SD2 => "Stable Diffusion 2",
        _ => "SDXL",
    };

    /// <summary>The autoencoder's scaling factor.</summary>
    public static double ScalingFactor(this ModelFamily family) => family == ModelFamily.SDXL ? 0.13025 : 0.18215;

    /// <summary>The side of the latents that the UNet was trained with.</summary>
    /// <param name="family">The family.</param>
    /// <param name="prediction">What the UNet predicts: SD2 was trained for velocity at 768 pixels, and for the noise at 512.</param>
    public static int SampleSize(this ModelFamily family, PredictionType prediction) => family switch
    {
        ModelFamily.SD1 => 64,
        ModelFamily.SD2 => prediction == PredictionType.Velocity ? 96 : 64,
        _ => 128,
    };

    /// <summary>The scheduler: the file of the family's repository, and what this model predicts.</summary>
    /// <param name="family">The family.</param>
    /// <param name="prediction">What the UNet predicts.</param>
    /// <param name="hasZeroSnr">Whether the last training timestep was pure noise.</param>
    public static SchedulerConfig Scheduler(this ModelFamily family, PredictionType prediction, bool hasZeroSnr)
    {
        var config = SchedulerConfig.Parse(
            family switch
            {
                // PNDM has no option for it.
                ModelFamily.SD1 when !hasZeroSnr => Pndm,
                ModelFamily.SD1 or ModelFamily.SD2 => Ddim,
                _ => Euler,
            },
            "scheduler_config.json of " + family.InWords());
        if (prediction != config.PredictionType)
            config = config with { PredictionType = prediction };
        return hasZeroSnr ? config with { RescaleBetasZeroSnr = true } : config;
    }

    private static ReadOnlySpan<byte> Pndm =>
        """
        {
          "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
          "clip_sample": false, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
          "trained_betas": null
        }
        """u8;

    private static ReadOnlySpan<byte> Ddim =>
        """
        {
          "_class_name": "DDIMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
          "clip_sample": false, "num_train_timesteps": 1000, "prediction_type": "v_prediction", "set_alpha_to_one": false,
          "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null
        }
        """u8;

    private static ReadOnlySpan<byte> Euler =>
        """
        {
          "_class_name": "EulerDiscreteScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
          "clip_sample": false, "interpolation_type": "linear", "num_train_timesteps": 1000, "prediction_type": "epsilon",
          "sample_max_value": 1.0, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
          "timestep_spacing": "leading", "trained_betas": null, "use_karras_sigmas": false
        }
        """u8;
}
