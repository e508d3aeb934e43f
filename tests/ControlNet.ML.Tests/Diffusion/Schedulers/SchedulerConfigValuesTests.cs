using System.Text;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Each option by itself: set in code it is what is read back, in a file it is refused beyond its range.</summary>
public sealed class SchedulerConfigValuesTests
{
    [Fact]
    public void What_is_set_is_read_back()
    {
        var dpm = SchedulerConfig.Default("DPMSolverMultistepScheduler") with
        {
            NumTrainTimesteps = 7,
            BetaStart = 0.01,
            BetaEnd = 0.03,
            BetaSchedule = "scaled_linear",
            TrainedBetas = [0.5, 0.25],
            PredictionType = PredictionType.Sample,
            TimestepSpacing = "trailing",
            StepsOffset = 3,
            RescaleBetasZeroSnr = true,
            Thresholding = true,
            DynamicThresholdingRatio = 0.75,
            SampleMaxValue = 2.5,
            UseKarrasSigmas = true,
            FinalSigmasType = "sigma_min",
            SolverOrder = 3,
            AlgorithmType = "dpmsolver",
            SolverType = "heun",
            LowerOrderFinal = false,
            EulerAtFinal = true,
            LambdaMinClipped = -5,
            UseLuLambdas = true,
            SigmaMin = 0.1,
            SigmaMax = 9,
        };
        Assert.Equal((7, 0.01, 0.03, "scaled_linear"), (dpm.NumTrainTimesteps, dpm.BetaStart, dpm.BetaEnd, dpm.BetaSchedule));
        Assert.Equal([0.5, 0.25], dpm.TrainedBetas);
        Assert.Equal((PredictionType.Sample, "trailing", 3, true, true), (dpm.PredictionType, dpm.TimestepSpacing, dpm.StepsOffset, dpm.RescaleBetasZeroSnr, dpm.Thresholding));
        Assert.Equal((0.75, 2.5, true, "sigma_min", 3), (dpm.DynamicThresholdingRatio, dpm.SampleMaxValue, dpm.UseKarrasSigmas, dpm.FinalSigmasType, dpm.SolverOrder));
        Assert.Equal(("dpmsolver", "heun", false, true, -5.0, true), (dpm.AlgorithmType, dpm.SolverType, dpm.LowerOrderFinal, dpm.EulerAtFinal, dpm.LambdaMinClipped, dpm.UseLuLambdas));
        Assert.Equal((0.1, 9.0), (dpm.SigmaMin, dpm.SigmaMax));
        Assert.Null((dpm with { TrainedBetas = null, SigmaMin = null }).TrainedBetas);
        Assert.Null((dpm with { SigmaMin = null }).SigmaMin);

        var euler = SchedulerConfig.Default("EulerDiscreteScheduler") with { InterpolationType = "log_linear", TimestepType = "continuous", UseExponentialSigmas = true };
        Assert.Equal(("log_linear", "continuous", true), (euler.InterpolationType, euler.TimestepType, euler.UseExponentialSigmas));
        Assert.True((euler with { UseBetaSigmas = true }).UseBetaSigmas);
        var unipc = SchedulerConfig.Default("UniPCMultistepScheduler") with { PredictX0 = false, DisableCorrector = [0, 2] };
        Assert.False(unipc.PredictX0);
        Assert.Equal([0, 2], unipc.DisableCorrector);
        var lcm = SchedulerConfig.Default("LCMScheduler") with { OriginalInferenceSteps = 40, TimestepScaling = 5, ClipSample = true, ClipSampleRange = 3, SetAlphaToOne = false };
        Assert.Equal((40, 5.0, true, 3.0, false), (lcm.OriginalInferenceSteps, lcm.TimestepScaling, lcm.ClipSample, lcm.ClipSampleRange, lcm.SetAlphaToOne));
        Assert.Equal("fixed_large", (SchedulerConfig.Default("DDPMScheduler") with { VarianceType = "fixed_large" }).VarianceType);
        Assert.True((SchedulerConfig.Default("PNDMScheduler") with { SkipPrkSteps = true }).SkipPrkSteps);
    }

    [Theory]
    [InlineData("DDIMScheduler", "num_train_timesteps", "1", "1000000", "0", "1000001", "\"1\"")]
    [InlineData("DDIMScheduler", "beta_start", "1e-9", "0.999", "0", "1", "null")]
    [InlineData("DDIMScheduler", "beta_end", "1e-9", "0.999", "0", "1", "true")]
    [InlineData("DDIMScheduler", "steps_offset", "0", "1000000", "-1", "1000001", "0.5")]
    [InlineData("DDIMScheduler", "clip_sample", "true", "false", "0", "null", "\"true\"")]
    [InlineData("DDIMScheduler", "dynamic_thresholding_ratio", "0", "1", "-0.1", "1.1", "null")]
    [InlineData("DDIMScheduler", "clip_sample_range", "0", "1e30", "-0.1", "Infinity", "null")]
    [InlineData("DDIMScheduler", "timestep_spacing", "\"leading\"", "\"trailing\"", "\"lead\"", "3", "null")]
    [InlineData("DPMSolverMultistepScheduler", "solver_order", "1", "3", "0", "4", "2.5")]
    [InlineData("DPMSolverMultistepScheduler", "use_karras_sigmas", "null", "true", "0", "\"\"", "[]")]
    [InlineData("DPMSolverMultistepScheduler", "use_flow_sigmas", "null", "false", "true", "0", "\"\"")]
    [InlineData("DPMSolverMultistepScheduler", "lambda_min_clipped", "-Infinity", "-5.1", "Infinity", "NaN", "null")]
    [InlineData("EulerDiscreteScheduler", "sigma_min", "null", "1e-10", "0", "-1", "\"0.1\"")]
    [InlineData("EulerDiscreteScheduler", "sigma_max", "null", "1e-10", "0", "-1", "false")]
    [InlineData("UniPCMultistepScheduler", "disable_corrector", "[]", "[0, 1000000]", "[-1]", "[1000001]", "null")]
    [InlineData("UniPCMultistepScheduler", "solver_p", "null", "null", "{}", "0", "\"\"")]
    [InlineData("LCMScheduler", "original_inference_steps", "1", "50", "0", "1000001", "1.5")]
    public void Values_at_the_ends_of_a_range_are_taken_and_those_beyond_are_refused(
        string scheduler, string key, string least, string most, string below, string above, string other)
    {
        foreach (var value in (string[])[least, most])
            Parse(scheduler, key, value);
        foreach (var value in (string[])[below, above, other])
        {
            var message = Assert.Throws<ControlNetException>(() => Parse(scheduler, key, value)).Message;
            Assert.Contains($"'{key}' is ", message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[0, 1]", true)]
    [InlineData("[0.5]", false)]
    [InlineData("[0.1, 0.2, 0.3]", false)]
    [InlineData("[0.1, 1.1]", false)]
    [InlineData("[0.1, null]", false)]
    [InlineData("null", true)]
    public void Betas_of_ones_own_are_as_many_as_timesteps_and_from_0_to_1(string betas, bool fits)
    {
        var error = Record.Exception(() => SchedulerConfig.Parse(
            Encoding.UTF8.GetBytes($$"""{"_class_name": "DDIMScheduler", "num_train_timesteps": 2, "trained_betas": {{betas}}}"""), "file"));
        Assert.Equal(fits, error is null);
        Assert.True(error is null or ControlNetException);
    }

    [Theory]
    [InlineData("""{"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true, "use_beta_sigmas": true}""", "are both true")]
    [InlineData("""{"_class_name": "EulerDiscreteScheduler", "use_exponential_sigmas": true, "use_beta_sigmas": true}""", "are both true")]
    [InlineData("""{"_class_name": "EulerDiscreteScheduler", "sigma_min": 2, "sigma_max": 2}""", "expected the first to be less")]
    [InlineData("""{"_class_name": "DDIMScheduler", "num_train_timesteps": 1, "rescale_betas_zero_snr": true}""", "at least 2")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver", "final_sigmas_type": "zero"}""", "expected \"sigma_min\"")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "zero"}""", "expected \"sigma_min\"")]
    [InlineData("""{"_class_name": "NoScheduler"}""", "unknown scheduler 'NoScheduler'")]
    [InlineData("""{"_class_name": 3}""", "'_class_name' is missing")]
    public void What_does_not_go_together_is_refused(string json, string says) =>
        Assert.Contains(says, Assert.Throws<ControlNetException>(() => SchedulerConfig.Parse(Encoding.UTF8.GetBytes(json), "file")).Message, StringComparison.Ordinal);

    [Fact]
    public void What_does_go_together_is_taken()
    {
        SchedulerConfig.Parse("""{"_class_name": "EulerDiscreteScheduler", "sigma_min": 1.9, "sigma_max": 2, "use_beta_sigmas": true}"""u8, "file");
        SchedulerConfig.Parse("""{"_class_name": "DDIMScheduler", "num_train_timesteps": 2, "rescale_betas_zero_snr": true}"""u8, "file");
        SchedulerConfig.Parse("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"}"""u8, "file");
    }

    [Fact]
    public void A_long_value_is_cut_in_the_message()
    {
        var sixty = new string('x', 58);
        Assert.Contains($"'timestep_spacing' is \"{sixty}\",", Message(sixty), StringComparison.Ordinal);
        Assert.Contains($"'timestep_spacing' is \"{sixty}x…,", Message(sixty + "xx"), StringComparison.Ordinal);

        static string Message(string value) => Assert.Throws<ControlNetException>(() => Parse("DDIMScheduler", "timestep_spacing", $"\"{value}\"")).Message;
    }

    [Fact]
    public void Numbers_and_words_are_written_as_python_writes_them()
    {
        var config = SchedulerConfig.Default("DPMSolverMultistepScheduler") with { TrainedBetas = [1, 0.5, 1e-7], SampleMaxValue = 3 };
        Assert.Contains("\"trained_betas\": [\n    1.0,\n    0.5,\n    1e-07\n  ]", config.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"sample_max_value\": 3.0", config.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"lambda_min_clipped\": -Infinity", config.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"disable_corrector\": []", SchedulerConfig.Default("UniPCMultistepScheduler").ToJson(), StringComparison.Ordinal);
        Assert.Equal(config.GetHashCode(), (config with { SampleMaxValue = 3 }).GetHashCode());
        Assert.False(config.Equals(null));
    }

    private static void Parse(string scheduler, string key, string value) =>
        SchedulerConfig.Parse(Encoding.UTF8.GetBytes($$"""{"_class_name": "{{scheduler}}", "{{key}}": {{value}}}"""), "file");
}
