using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>The JSON files of a model's folder.</summary>
internal static class ConfigurationTargets
{
    private const int Steps = 5;

    private static readonly string[] Models = ["sd1", "sd2-v", "sdxl", "sd1-inpaint", "sd1-lcm", "sd2-depth"];

    /// <summary>The readers. A layout of tensors is made of what was read: that is what is built from it.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        yield return Json("unet-config", "unet/config.json", input => _ = KeyMap.For(UNetConfig.Parse(input, "config.json")).Tensors.Count);
        yield return Json("vae-config", "vae/config.json", input => _ = KeyMap.For(AutoencoderConfig.Parse(input, "config.json")).Tensors.Count);
        yield return Json("text-encoder-config", "text_encoder/config.json", input => _ = KeyMap.For(ClipTextConfig.Parse(input, "config.json")).Tensors.Count);
        yield return Json("model-index", "model_index.json", input => _ = ModelIndex.Parse(input, "model_index.json").Warnings);
        yield return Json("control-config", null, input => _ = ControlNetConfig.Parse(input, "config.json").DownResiduals, Workplace.Fixture("models", "sd1-control-a", "config.json"), Workplace.Fixture("models", "sdxl-control-a", "config.json"));

        byte[][] schedulers = [.. Models.Select(model => Workplace.Fixture("models", model, "scheduler", "scheduler_config.json")), .. SchedulerCatalog.ClassNames.Select(name => System.Text.Encoding.UTF8.GetBytes(SchedulerConfig.Default(name).ToJson()))];
        yield return new Reader("scheduler-config", schedulers, input =>
        {
            var config = SchedulerConfig.Parse(input, "scheduler_config.json");
            _ = config.Warnings;
            _ = config.ToJson();

            // Small, so that the longest schedule of a million timesteps is a matter of milliseconds.
            _ = Scheduler.Create(config, Steps);
        })
        { IsJson = true, Words = [.. SchedulerCatalog.ClassNames, "trained_betas", "-Infinity", "NaN", "scaled_linear", "v_prediction"] };
    }

    private static Reader Json(string name, string? file, Action<byte[]> read, params byte[][] seeds) =>
        new(name, file is null ? seeds : [.. Models.Select(model => Workplace.Fixture(["models", model, .. file.Split('/')]))], read) { IsJson = true };
}
