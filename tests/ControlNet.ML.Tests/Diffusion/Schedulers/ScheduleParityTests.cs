using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Timesteps for many step counts, image-to-image starts, and configurations switched from class to class.</summary>
[Trait("Category", "Parity")]
public sealed class ScheduleParityTests
{
    public static TheoryData<string> Schedules => Fixtures.Cases(
        FixtureJson.List("cases", "schedulers", "timesteps.json").Select(entry => entry.GetProperty("scheduler").GetString()!).Distinct());

    public static TheoryData<string> Starts => Fixtures.Cases(
        FixtureJson.List("cases", "schedulers", "img2img.json").Select(entry => $"{entry.GetProperty("name").GetString()} {ClassOf(entry)}"));

    public static TheoryData<string> LaterStarts => Fixtures.Cases(
        FixtureJson.List("denoising_start", "schedulers", "img2img.json").Select((entry, i) => $"{i}: {entry.GetProperty("scheduler").GetString()}"));

    public static TheoryData<string> Switches => Fixtures.Cases(
        FixtureJson.List("cases", "schedulers", "switch.json")
            .Select(entry => $"{entry.GetProperty("folder").GetString()} to {entry.GetProperty("to").GetString()}"));

    [Theory]
    [MemberData(nameof(Schedules))]
    public void Timesteps_are_diffusers_for_every_spacing_and_count(string name)
    {
        Fixtures.SkipIfNothing(name, "schedulers/timesteps.json");
        foreach (var entry in FixtureJson.List("cases", "schedulers", "timesteps.json").Where(entry => entry.GetProperty("scheduler").GetString() == name))
        {
            var config = StableDiffusion(name, entry);
            var steps = entry.GetProperty("steps").GetInt32();
            if (entry.TryGetProperty("error", out _))
                Assert.Throws<ControlNetException>(() => Scheduler.Create(config, steps));
            else
                Assert.Equal(entry.GetProperty("timesteps").Numbers(), Scheduler.Create(config, steps).Timesteps);
        }
    }

    [Theory]
    [MemberData(nameof(Starts))]
    public void Image_to_image_starts_where_diffusers_does_and_goes_the_same_way(string name)
    {
        Fixtures.SkipIfNothing(name, "schedulers/img2img.json");
        var label = name.Split(' ')[0];
        var entry = FixtureJson.List("cases", "schedulers", "img2img.json").Single(entry => entry.GetProperty("name").GetString() == label);
        var (steps, strength) = (entry.GetProperty("steps").GetInt32(), entry.GetProperty("strength").GetDouble());
        var config = SamplerRun.Config(entry.GetProperty("config"), name);
        var options = new SchedulerOptions { Strength = strength, OrderOfWholeSchedule = config.ClassName == "LMSDiscreteScheduler" ? true : null };
        var scheduler = Scheduler.Create(config, steps, options);

        Assert.Equal(entry.GetProperty("steps_left").GetInt32(), steps - Scheduler.FirstStep(steps, strength));
        if (entry.GetProperty("begin_index").ValueKind == JsonValueKind.Number)
            Assert.Equal(entry.GetProperty("begin_index").GetInt32(), scheduler.Begin);
        var timesteps = SamplerRun.Timesteps(entry, scheduler, config.UseKarrasSigmas || config.UseLuLambdas);
        var tensors = new ReferenceTensors(Fixtures.Path("schedulers", "img2img.safetensors"));
        var noisy = tensors.Floats(tensors.Has($"{label}/x0") ? $"{label}/x0" : "x0");
        var noise = tensors.Floats(tensors.Has($"{label}/noise") ? $"{label}/noise" : "noise");
        scheduler.AddNoise(noisy, noise, 0, noisy);
        Close.Relative(tensors.Doubles($"{label}/sample.init"), noisy, 1e-6, $"{label}/sample.init");
        var recorded = Enumerable.Range(0, scheduler.Count).TakeWhile(step => tensors.Has($"{label}/sample.{step}")).Count();
        Assert.NotEqual(0, recorded);
        SamplerRun.Compare(entry, scheduler, timesteps, tensors, label, recorded);
    }

    [Theory]
    [MemberData(nameof(LaterStarts))]
    public void A_later_start_of_the_denoising_is_diffusers(string name)
    {
        Fixtures.SkipIfNothing(name, "schedulers/img2img.json");
        var entry = FixtureJson.List("denoising_start", "schedulers", "img2img.json")[int.Parse(name.Split(':')[0])];
        var config = entry.TryGetProperty("config", out var own)
            ? SamplerRun.Config(own, name)
            : StableDiffusion(
                entry.GetProperty("scheduler").GetString()!,
                JsonDocument.Parse("""{"timestep_spacing": "leading", "steps_offset": 1}""").RootElement);
        var options = new SchedulerOptions { DenoisingStart = entry.GetProperty("denoising_start").GetDouble() };
        var scheduler = Scheduler.Create(config, entry.GetProperty("steps").GetInt32(), options);
        Assert.Equal(entry.GetProperty("timesteps").Numbers(), scheduler.Timesteps);
        Assert.Equal(entry.GetProperty("steps_left").GetInt32(), scheduler.Count);
    }

    [Fact]
    public void The_first_step_of_image_to_image_is_pythons_to_the_last_product()
    {
        var rows = FixtureJson.List("first_step", "schedulers", "img2img.json").Skip(1).ToArray();
        Fixtures.SkipIfNothing(rows.Length == 0 ? "(none)" : "first_step", "schedulers/img2img.json");
        foreach (var row in rows)
        {
            var (steps, strength) = (row[0].GetInt32(), row[1].GetDouble());
            Assert.Equal((row[2].GetInt32(), row[3].GetInt32()), (Scheduler.FirstStep(steps, strength), steps - Scheduler.FirstStep(steps, strength)));
        }
    }

    [Theory]
    [MemberData(nameof(Switches))]
    public void A_configuration_switched_to_another_class_is_what_from_config_makes(string name)
    {
        Fixtures.SkipIfNothing(name, "schedulers/switch.json");
        var parts = name.Split(" to ");
        var entry = FixtureJson.List("cases", "schedulers", "switch.json")
            .Single(entry => entry.GetProperty("folder").GetString() == parts[0] && entry.GetProperty("to").GetString() == parts[1]);
        var own = SamplerRun.Config(FixtureJson.File("schedulers", "switch.json").GetProperty("folders").GetProperty(parts[0]), parts[0]);
        var config = own.SwitchTo(parts[1]);

        Assert.Equal(Entries(entry.GetProperty("config").GetRawText()), Entries(config.ToJson().Replace(": -Infinity", ": \"-Infinity\"")));
        var scheduler = Scheduler.Create(config, entry.GetProperty("steps").GetInt32());
        SamplerRun.Timesteps(entry, scheduler, config.UseKarrasSigmas || config.UseLuLambdas);
        Close.Relative([entry.GetProperty("init_noise_sigma").GetDouble()], [(float)scheduler.InitNoiseSigma], 1e-6, "init_noise_sigma");
    }

    private static string ClassOf(JsonElement entry) => entry.GetProperty("config").GetProperty("_class_name").GetString()!;

    private static Dictionary<string, string> Entries(string json) => JsonNode.Parse(json)!.AsObject()
        .Where(entry => entry.Key != "_diffusers_version")
        .ToDictionary(entry => entry.Key, entry => entry.Value?.ToJsonString() ?? "null");

    private static SchedulerConfig StableDiffusion(string name, JsonElement entry)
    {
        var config = new JsonObject
        {
            ["_class_name"] = name,
            ["beta_start"] = 0.00085,
            ["beta_end"] = 0.012,
            ["beta_schedule"] = "scaled_linear",
        };
        foreach (var key in new[] { "timestep_spacing", "steps_offset" })
        {
            if (entry.TryGetProperty(key, out var value))
                config[key] = JsonNode.Parse(value.GetRawText());
        }

        if (name == "PNDMScheduler")
            config["skip_prk_steps"] = true;
        return SchedulerConfig.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), name);
    }
}
