using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>Every recorded trajectory of diffusers' schedulers, run again.</summary>
[Trait("Category", "Parity")]
public sealed class SchedulerParityTests
{
    private const string Kind = "schedulers/CLASS.json";

    public static TheoryData<string> Cases => Fixtures.Cases(
        from kind in Classes()
        from entry in FixtureJson.List("cases", "schedulers", $"{kind}.json")
        select $"{kind}/{entry.GetProperty("name").GetString()}");

    public static TheoryData<string> Refusals => Fixtures.Cases(
        from kind in Classes()
        from entry in FixtureJson.List("raises", "schedulers", $"{kind}.json")
        select $"{kind}: {entry.GetProperty("about").GetString()}");

    public static TheoryData<string> Kinds => Fixtures.Cases(Classes());

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_trajectory_is_diffusers(string name)
    {
        Fixtures.SkipIfNothing(name, Kind);
        var (kind, label) = (name.Split('/')[0], name.Split('/')[1]);
        var entry = FixtureJson.List("cases", "schedulers", $"{kind}.json").Single(entry => entry.GetProperty("name").GetString() == label);
        var config = SamplerRun.Config(entry.GetProperty("config"), name);
        var options = SamplerRun.Options(entry);
        var scheduler = Scheduler.Create(config, SamplerRun.Steps(entry, options), options);

        var timesteps = SamplerRun.Timesteps(entry, scheduler, config.UseKarrasSigmas || config.UseLuLambdas);
        Close.Relative([entry.GetProperty("init_noise_sigma").GetDouble()], [(float)scheduler.InitNoiseSigma], 1e-6, "init_noise_sigma");
        if (entry.TryGetProperty("sigmas", out var sigmas))
            CompareSigmas(sigmas.Numbers(), scheduler);
        var tensors = Tensors(kind);
        CheckStart(entry, scheduler, tensors.Floats($"{label}/sample.init"));
        SamplerRun.Compare(entry, scheduler, timesteps, tensors, label, scheduler.Count);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_diffusers_refuses_or_makes_no_number_of_is_an_error(string name)
    {
        Fixtures.SkipIfNothing(name, Kind);
        var (kind, about) = (name.Split(": ")[0], name.Split(": ")[1]);
        var entry = FixtureJson.List("raises", "schedulers", $"{kind}.json").Single(entry => entry.GetProperty("about").GetString() == about);
        var options = JsonNode.Parse(entry.GetProperty("options").GetRawText())!.AsObject();
        options["_class_name"] = FixtureJson.File("schedulers", $"{kind}.json").GetProperty("scheduler").GetString();

        var error = Assert.Throws<ControlNetException>(() =>
        {
            var config = SchedulerConfig.Parse(Encoding.UTF8.GetBytes(options.ToJsonString()), "options");
            var tooMany = about.EndsWith("original_inference_steps") ? config.OriginalInferenceSteps : config.NumTrainTimesteps;
            var steps = entry.TryGetProperty("steps", out var recorded) ? recorded.GetInt32() : about.StartsWith("more steps") ? tooMany + 1 : 5;
            Scheduler.Create(config, steps);
        });
        Assert.Contains("expected", error.Message);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Noise_is_added_as_by_diffusers(string kind)
    {
        Fixtures.SkipIfNothing(kind, Kind);
        Assert.SkipUnless(FixtureJson.File("schedulers", $"{kind}.json").TryGetProperty("add_noise", out var entry), $"No add_noise for {kind}.");
        var config = SamplerRun.Config(entry.GetProperty("config"), kind);
        var scheduler = Scheduler.Create(config, entry.GetProperty("steps").GetInt32());
        var tensors = Tensors(kind);
        var (original, noise, expected) = (tensors.Floats("add_noise/x0"), tensors.Floats("add_noise/noise"), tensors.Doubles("add_noise/out"));
        var at = entry.GetProperty("at").Numbers();
        var timesteps = entry.GetProperty("timesteps").Numbers();
        var length = original.Length / at.Length;
        var result = new float[original.Length];
        var velocity = new float[original.Length];
        for (var i = 0; i < at.Length; i++)
        {
            var rows = new Range(i * length, (i + 1) * length);
            Assert.Equal(timesteps[i], scheduler.Timesteps[(int)at[i]]);
            scheduler.AddNoise(original.AsSpan(rows), noise.AsSpan(rows), (int)at[i], result.AsSpan(rows));

            // Euler's get_velocity takes the index of the step for a timestep; so does the reference.
            var timestep = scheduler is EulerDiscrete ? (int)at[i] : (int)timesteps[i];
            NoiseSchedule.Create(config).Velocity(original.AsSpan(rows), noise.AsSpan(rows), timestep, velocity.AsSpan(rows));
        }

        Close.Relative(expected, result, 1e-6, "add_noise/out");
        if (tensors.Has("add_noise/velocity"))
            Close.Relative(tensors.Doubles("add_noise/velocity"), velocity, 1e-6, "add_noise/velocity");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_saved_configuration_is_read_and_written_byte_for_byte(string kind)
    {
        Fixtures.SkipIfNothing(kind, Kind);
        Assert.SkipUnless(Fixtures.Has("schedulers", "configs", $"{kind}.json"), $"No configs/{kind}.json.");
        var bytes = File.ReadAllBytes(Fixtures.Path("schedulers", "configs", $"{kind}.json"));
        var config = SchedulerConfig.Parse(bytes, kind);
        Assert.Empty(config.Warnings);
        Assert.Equal(Encoding.UTF8.GetString(bytes), config.ToJson());
    }

    private static IEnumerable<string> Classes() => !Fixtures.Has("schedulers") ? [] : Directory.GetFiles(Fixtures.Path("schedulers"), "*.json")
        .Select(file => Path.GetFileNameWithoutExtension(file))
        .Where(kind => FixtureJson.File("schedulers", $"{kind}.json").TryGetProperty("scheduler", out _))
        .Order(StringComparer.Ordinal);

    private static ReferenceTensors Tensors(string kind) => new(Fixtures.Path("schedulers", $"{kind}.safetensors"));

    private static void CompareSigmas(double[] expected, Scheduler scheduler)
    {
        var actual = scheduler is SigmaScheduler sigma ? sigma.Sigmas : ((LambdaScheduler)scheduler).Sigmas;
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            // After the zero-SNR rescaling, which takes differences of nearly equal square roots, what agrees is ᾱ, to 1e-6 absolute.
            if (scheduler.Config.RescaleBetasZeroSnr)
                Close.Number(AlphaBar(expected[i]), AlphaBar(actual[i]), 1e-6, $"alpha bar {i}");
            else
                Close.Relative([expected[i]], [actual[i]], 1e-6, $"sigma {i}", floor: 0);
        }

        static double AlphaBar(double sigma) => 1 / (1 + (sigma * sigma));
    }

    private static void CheckStart(JsonElement entry, Scheduler scheduler, float[] expected)
    {
        var start = new float[expected.Length];
        new TorchRandom(entry.GetProperty("init_seed").GetUInt64()).FillNormal(start);
        foreach (ref var value in start.AsSpan())
            value *= (float)scheduler.InitNoiseSigma;
        Close.Relative([.. expected.Select(value => (double)value)], start, 2e-6, "sample.init");
    }
}
