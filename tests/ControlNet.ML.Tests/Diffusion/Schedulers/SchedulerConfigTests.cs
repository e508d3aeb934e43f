using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

public sealed class SchedulerConfigTests
{
    public static TheoryData<string> Broken => Fixtures.Cases(BrokenCases().Select(entry => entry.GetProperty("name").GetString()!));

    [Theory]
    [Trait("Category", "Parity")]
    [MemberData(nameof(Broken))]
    public void A_broken_file_is_an_error_that_names_it_and_what_was_expected(string name)
    {
        Fixtures.SkipIfNothing(name, "scheduler cases in weights/broken/text.json");
        var entry = BrokenCases().Single(entry => entry.GetProperty("name").GetString() == name);
        var patch = entry.GetProperty("patch");
        string json;
        if (patch.TryGetProperty("text", out var text))
        {
            json = text.GetString()!;
        }
        else
        {
            var config = JsonNode.Parse(File.ReadAllText(Fixtures.Path("models", "sd1", "scheduler", "scheduler_config.json")))!.AsObject();
            foreach (var change in patch.GetProperty("set").EnumerateObject())
                config[change.Name] = JsonNode.Parse(change.Value.GetRawText());
            json = config.ToJsonString();
        }

        Exception? error = Record.Exception(() => Parse(json));
        if (entry.GetProperty("expect").GetString() == "error")
            Assert.IsType<ControlNetException>(error);
        if (error is not null)
        {
            Assert.StartsWith("scheduler_config.json: ", error.Message);
            Assert.Contains("expected", error.Message);
        }

        if (name == "scheduler-class-unknown")
            Assert.Contains("DDIMScheduler, DDPMScheduler", error!.Message);
    }

    [Fact]
    public void What_a_file_leaves_out_is_the_default_of_its_class()
    {
        var ddim = Parse("""{"_class_name": "DDIMScheduler", "beta_end": 0.012}""");
        Assert.Equal((1e-4, 0.012, "linear"), (ddim.BetaStart, ddim.BetaEnd, ddim.BetaSchedule));
        Assert.Equal((true, true, 0), (ddim.ClipSample, ddim.SetAlphaToOne, ddim.StepsOffset));
        Assert.Equal(("leading", 0.00085), (ddim.TimestepSpacing, Parse("""{"_class_name": "LCMScheduler"}""").BetaStart));
        Assert.Equal("linspace", ddim.SwitchTo("EulerDiscreteScheduler").TimestepSpacing);
        Assert.Equal(0.012, ddim.SwitchTo("EulerDiscreteScheduler").BetaEnd);
    }

    [Fact]
    public void An_option_of_another_class_has_no_effect_until_a_class_has_it()
    {
        var pndm = Parse("""{"_class_name": "PNDMScheduler", "rescale_betas_zero_snr": true, "clip_sample": false}""");
        Assert.False(pndm.RescaleBetasZeroSnr);
        var ddim = pndm.SwitchTo("DDIMScheduler");
        Assert.True(ddim.RescaleBetasZeroSnr);
        Assert.False(ddim.ClipSample);
        Assert.Empty(ddim.Warnings);
    }

    [Fact]
    public void An_option_that_no_class_has_is_a_warning_that_names_it()
    {
        var warning = Assert.Single(Parse("""{"_class_name": "DDIMScheduler", "_note": 1, "beta_star": 0.1}""").Warnings);
        Assert.Contains("scheduler_config.json", warning);
        Assert.Contains("'beta_star'", warning);
    }

    [Theory]
    [InlineData("not json", "not valid JSON")]
    [InlineData("[1]", "expected a JSON object")]
    [InlineData("{}", "'_class_name' is missing")]
    [InlineData("""{"_class_name": "DDIMScheduler", "beta_start": "0.1"}""", "'beta_start' is \"0.1\"")]
    [InlineData("""{"_class_name": "DDIMScheduler", "clip_sample": 1}""", "'clip_sample' is 1, expected true or false")]
    [InlineData("""{"_class_name": "DDIMScheduler", "beta_start": 0.1, "beta_start": 0.2}""", "not valid JSON")]
    [InlineData("""{"_class_name": "DDIMScheduler", "num_train_timesteps": 10.5}""", "a whole number")]
    [InlineData("""{"_class_name": "DDIMScheduler", "steps_offset": -1}""", "'steps_offset' is -1")]
    [InlineData("""{"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"}""", "\"linear\" or \"scaled_linear\"")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true}""", "'use_flow_sigmas'")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": Infinity}""", "'lambda_min_clipped'")]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "solver_order": 9}""", "from 1 to 3")]
    public void Values_that_cannot_be_used_are_refused(string json, string says) =>
        Assert.Contains(says, Assert.Throws<ControlNetException>(() => Parse(json)).Message);

    [Fact]
    public void Pythons_bare_words_are_understood_outside_strings_only()
    {
        var config = Parse("""{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "note \" NaN": "x Infinity"}""");
        Assert.Equal(double.NegativeInfinity, config.LambdaMinClipped);
        Assert.Contains("'note \" NaN'", Assert.Single(config.Warnings));
    }

    [Fact]
    public void A_byte_order_mark_is_passed_over() =>
        Assert.Equal("DDIMScheduler", SchedulerConfig.Parse([.. Encoding.UTF8.Preamble, .. """{"_class_name": "DDIMScheduler"}"""u8], "file").ClassName);

    [Fact]
    public void Options_set_in_code_are_written_as_python_writes_them_and_read_back()
    {
        var config = SchedulerConfig.Default("DPMSolverMultistepScheduler") with
        {
            BetaStart = 1e-5,
            BetaEnd = 0.5,
            UseKarrasSigmas = true,
            AlgorithmType = "sde-dpmsolver++",
            PredictionType = PredictionType.Velocity,
        };
        var json = config.ToJson();
        Assert.Contains("\"beta_start\": 1e-05,", json);
        Assert.Contains("\"prediction_type\": \"v_prediction\"", json);
        Assert.Contains("\"algorithm_type\": \"sde-dpmsolver++\"", json);
        Assert.Equal(config, Parse(json));
        Assert.NotEqual(config, config with { BetaEnd = 0.4 });
    }

    private static SchedulerConfig Parse(string json) => SchedulerConfig.Parse(Encoding.UTF8.GetBytes(json), "scheduler_config.json");

    private static IEnumerable<JsonElement> BrokenCases() =>
        !Fixtures.Has("weights", "broken", "text.json") || !Fixtures.Has("models", "sd1", "scheduler", "scheduler_config.json") ? [] :
        FixtureJson.File("weights", "broken", "text.json").EnumerateArray()
            .Where(entry => entry.TryGetProperty("part", out var part) && part.GetString() == "scheduler");
}
