using System.Text;
using System.Text.Json.Nodes;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>No key of a scheduler_config.json is read and forgotten: each changes a run, or is refused, or is one of the few that change nothing.</summary>
public sealed class SchedulerKeyTests
{
    // Another value than the default for each key, after others that give it something to change.
    private static readonly Dictionary<string, string> Changes = new()
    {
        ["num_train_timesteps"] = """{"num_train_timesteps": 900}""",
        ["beta_start"] = """{"beta_start": 0.002}""",
        ["beta_end"] = """{"beta_end": 0.015}""",
        ["beta_schedule"] = """{"beta_schedule": "squaredcos_cap_v2"}""",
        ["trained_betas"] = $$"""{"trained_betas": [{{string.Join(", ", Enumerable.Repeat("0.003", 1000))}}]}""",
        ["prediction_type"] = """{"prediction_type": "v_prediction"}""",
        ["timestep_spacing"] = """{"timestep_spacing": "trailing"}""",
        ["steps_offset"] = """{"timestep_spacing": "leading", "steps_offset": 3}""",
        ["rescale_betas_zero_snr"] = """{"prediction_type": "v_prediction", "rescale_betas_zero_snr": true}""",
        ["clip_sample"] = """{"clip_sample_range": 0.3, "clip_sample": FLIP}""",
        ["clip_sample_range"] = """{"clip_sample": true, "clip_sample_range": 0.3}""",
        ["set_alpha_to_one"] = """{"set_alpha_to_one": FLIP}""",
        ["thresholding"] = """{"sample_max_value": 9, "thresholding": true}""",
        ["dynamic_thresholding_ratio"] = """{"thresholding": true, "sample_max_value": 9, "dynamic_thresholding_ratio": 0.5}""",
        ["sample_max_value"] = """{"thresholding": true, "sample_max_value": 9}""",
        ["variance_type"] = """{"variance_type": "fixed_large"}""",
        ["skip_prk_steps"] = """{"skip_prk_steps": FLIP}""",
        ["use_karras_sigmas"] = """{"use_karras_sigmas": true}""",
        ["use_exponential_sigmas"] = """{"use_exponential_sigmas": true}""",
        ["use_beta_sigmas"] = """{"use_beta_sigmas": true}""",
        ["use_lu_lambdas"] = """{"use_lu_lambdas": true}""",
        ["use_flow_sigmas"] = """{"use_flow_sigmas": true}""",
        ["flow_shift"] = """{"flow_shift": 3}""",
        ["use_dynamic_shifting"] = """{"use_dynamic_shifting": true}""",
        ["time_shift_type"] = """{"time_shift_type": "linear"}""",
        ["interpolation_type"] = """{"interpolation_type": "log_linear"}""",
        ["timestep_type"] = """{"prediction_type": "v_prediction", "timestep_type": "continuous"}""",
        ["sigma_min"] = """{"use_karras_sigmas": true, "sigma_min": 0.1}""",
        ["sigma_max"] = """{"use_karras_sigmas": true, "sigma_max": 9}""",
        ["final_sigmas_type"] = """{"final_sigmas_type": "sigma_min"}""",
        ["solver_order"] = """{"solver_order": 1}""",
        ["algorithm_type"] = """{"final_sigmas_type": "sigma_min", "algorithm_type": "dpmsolver"}""",
        ["solver_type"] = """{"solver_type": "SOLVER"}""",
        ["lower_order_final"] = """{"final_sigmas_type": "sigma_min", "lower_order_final": FLIP}""",
        ["euler_at_final"] = """{"final_sigmas_type": "sigma_min", "lower_order_final": false, "euler_at_final": true}""",
        ["lambda_min_clipped"] = """{"lambda_min_clipped": -1.5}""",
        ["predict_x0"] = """{"final_sigmas_type": "sigma_min", "predict_x0": false}""",
        ["disable_corrector"] = """{"disable_corrector": [1, 2]}""",
        ["solver_p"] = """{"solver_p": {"_class_name": "DDIMScheduler"}}""",
        ["original_inference_steps"] = """{"original_inference_steps": 25}""",
        ["timestep_scaling"] = """{"timestep_scaling": 0.1}""",
    };

    // Those of flow matching belong to use_flow_sigmas, which is refused. LCM and TCD have keys that diffusers, too, never looks at, and DEIS
    // replaces words of DPM solvers by its own.
    private static readonly Dictionary<string, string[]> WithoutEffect = new()
    {
        [""] = ["flow_shift", "use_dynamic_shifting", "time_shift_type"],
        ["LCMScheduler"] = ["timestep_spacing", "steps_offset", "set_alpha_to_one"],
        ["TCDScheduler"] =
        [
            "timestep_spacing", "steps_offset", "set_alpha_to_one", "clip_sample", "clip_sample_range", "thresholding", "dynamic_thresholding_ratio",
            "sample_max_value", "timestep_scaling",
        ],
        ["DEISMultistepScheduler"] = ["algorithm_type", "solver_type"],
    };

    public static TheoryData<string, string> Keys
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var name in SchedulerCatalog.ClassNames)
            {
                foreach (var key in JsonNode.Parse(SchedulerConfig.Default(name).ToJson().Replace("-Infinity", "null"))!.AsObject().Select(entry => entry.Key).Where(key => key != "_class_name"))
                    data.Add(name, key);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_key_changes_a_run_or_is_refused(string name, string key)
    {
        var change = JsonNode.Parse(Changes[key].Replace("FLIP", Default(name, key) == "true" ? "false" : "true").Replace("SOLVER", name == "UniPCMultistepScheduler" ? "bh1" : "heun"))!.AsObject();
        var before = new JsonObject(change.Where(entry => entry.Key != key).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        float[] plain = Run(name, before), changed;
        try
        {
            changed = Run(name, change);
        }
        catch (ControlNetException e)
        {
            Assert.Contains($"'{key}'", e.Message);
            return;
        }

        if (WithoutEffect[""].Contains(key) || WithoutEffect.GetValueOrDefault(name, []).Contains(key))
            Assert.Equal(plain, changed);
        else
            Assert.NotEqual(plain, changed);
    }

    private static string? Default(string name, string key) => JsonNode.Parse(SchedulerConfig.Default(name).ToJson().Replace("-Infinity", "null"))![key]?.ToJsonString();

    private static float[] Run(string name, JsonObject options)
    {
        options = JsonNode.Parse(options.ToJsonString())!.AsObject();
        options["_class_name"] = name;
        var scheduler = Scheduler.Create(SchedulerConfig.Parse(Encoding.UTF8.GetBytes(options.ToJsonString()), name), 8);
        float[] sample = [0.7f, -1.3f, 0.2f, 2.5f, -0.4f, 1.1f, 0.9f, -2.2f];
        for (var i = 0; i < sample.Length; i++)
            sample[i] *= (float)scheduler.InitNoiseSigma;
        var (scaled, noise) = (new float[sample.Length], new ControlNet.ML.Diffusion.TorchRandom(3));
        for (var step = 0; step < scheduler.Count; step++)
        {
            scheduler.ScaleModelInput(sample, step, scaled);
            for (var i = 0; i < scaled.Length; i++)
                scaled[i] = (scaled[i] * (float)(0.3 * Math.Cos(scheduler.Timesteps[step] / 300))) + (float)(0.1 * Math.Sin(scheduler.Timesteps[step] / 100));
            scheduler.Step(scaled, step, sample, noise);
        }

        return [.. scheduler.Timesteps.Select(timestep => (float)timestep), (float)scheduler.InitNoiseSigma, .. sample];
    }
}
