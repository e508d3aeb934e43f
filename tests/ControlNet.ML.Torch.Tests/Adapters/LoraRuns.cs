using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>The runs of fixtures/adapters/outputs.safetensors.</summary>
internal static class LoraRuns
{
    public const string Prompt = "a red apple on a table";

    // As in fixtures/pipelines: made with these arguments, not of the model's own scheduler, from which DDIM would clip its samples.
    private static ReadOnlySpan<byte> Ddim =>
        """
        {
          "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": 1
        }
        """u8;

    public static GenerateOptions Options(ReferenceTensors reference, string loras) => new()
    {
        NegativePrompt = "blurry",
        SchedulerConfig = SchedulerConfig.Parse(Ddim, "DDIM"),
        Steps = 4,
        Guidance = 5,
        Width = 64,
        Height = 64,
        Latents = new TensorData(reference.Floats("initial"), reference.Shape("initial")),
        Loras = AdapterFixtures.Loras(loras),
    };
}
