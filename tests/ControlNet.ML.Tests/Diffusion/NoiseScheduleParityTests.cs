using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What training takes from a noise schedule, against diffusers.</summary>
[Trait("Category", "Parity")]
public sealed class NoiseScheduleParityTests
{
    public static TheoryData<string> Cases => Fixtures.Cases(
        FixtureJson.List("cases", "schedulers", "training.json")
            .Select(entry => $"{entry.GetProperty("name").GetString()} {entry.GetProperty("about").GetString()}"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_sees_diffusers_numbers(string name)
    {
        Fixtures.SkipIfNothing(name, "schedulers/training.json");
        var label = name.Split(' ')[0];
        var entry = FixtureJson.List("cases", "schedulers", "training.json").Single(entry => entry.GetProperty("name").GetString() == label);
        var tensors = new ReferenceTensors(Fixtures.Path("schedulers", "training.safetensors"));
        var config = SchedulerConfig.Parse(Encoding.UTF8.GetBytes(entry.GetProperty("config").GetRawText()), name);
        var schedule = NoiseSchedule.Create(config);

        if (!config.RescaleBetasZeroSnr)
            Close.Relative(tensors.Doubles($"{label}/betas"), schedule.Beta, 1e-6, "betas");
        Close.Relative(tensors.Doubles($"{label}/alphas_cumprod"), schedule.AlphasCumprod, 1e-6, "alphas_cumprod");

        // Linear schedules take no function that torch rounds in a way of its own: every bit is the same.
        if (config.BetaSchedule is "linear" or "scaled_linear" && !config.RescaleBetasZeroSnr)
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(schedule.AlphasCumprod)));
            Assert.Equal(entry.GetProperty("alphas_cumprod_sha256").GetString(), hash);
        }

        var timesteps = entry.GetProperty("timesteps").Numbers();
        var (original, noise) = (tensors.Floats("x0"), tensors.Floats("noise"));
        var length = original.Length / timesteps.Length;
        var (noisy, velocity) = (new float[original.Length], new float[original.Length]);
        for (var i = 0; i < timesteps.Length; i++)
        {
            var (rows, t) = (new Range(i * length, (i + 1) * length), (int)timesteps[i]);
            schedule.AddNoise(original.AsSpan(rows), noise.AsSpan(rows), t, noisy.AsSpan(rows));
            schedule.Velocity(original.AsSpan(rows), noise.AsSpan(rows), t, velocity.AsSpan(rows));
            Compare(entry.GetProperty("snr")[i], schedule.Snr(t), $"snr at {t}");
            Compare(entry.GetProperty("min_snr5_epsilon")[i], schedule.MinSnrWeight(t, PredictionType.Epsilon), $"min-SNR weight of epsilon at {t}");
            Compare(entry.GetProperty("min_snr5_v")[i], schedule.MinSnrWeight(t, PredictionType.Velocity), $"min-SNR weight of v at {t}");
        }

        Close.Relative(tensors.Doubles($"{label}/add_noise"), noisy, 1e-6, "add_noise");
        Close.Relative(tensors.Doubles($"{label}/velocity"), velocity, 1e-6, "velocity");

        // 1 - ᾱ of the first timesteps has lost four digits in float32 already.
        static void Compare(JsonElement expected, double actual, string what)
        {
            if (expected.ValueKind == JsonValueKind.String)
                Assert.Equal(expected.GetString(), double.IsNaN(actual) ? "NaN" : "a number");
            else
                Close.Relative([expected.GetDouble()], [(float)actual], 1e-5, what, floor: 0);
        }
    }
}
