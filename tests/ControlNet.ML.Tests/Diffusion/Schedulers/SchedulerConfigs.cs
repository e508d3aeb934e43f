using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Configurations that the samplers' tests share.</summary>
internal static class SchedulerConfigs
{
    /// <summary>Stable Diffusion's betas, and what its models ask of every sampler.</summary>
    public static SchedulerConfig StableDiffusion { get; } = SchedulerConfig.Default("DDIMScheduler") with
    {
        BetaStart = 0.00085,
        BetaEnd = 0.012,
        BetaSchedule = "scaled_linear",
        ClipSample = false,
        SetAlphaToOne = false,
        StepsOffset = 1,
        SkipPrkSteps = true,
    };
}
