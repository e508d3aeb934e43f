using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion.Schedulers;

/// <summary>What the scheduler fixtures describe: configurations, arguments, and the loop with a network that is a formula.</summary>
internal static class SamplerRun
{
    private const double LastBit = 1e-4;

    public static SchedulerConfig Config(JsonElement config, string source) =>
        SchedulerConfig.Parse(Encoding.UTF8.GetBytes(config.GetRawText()), source);

    public static SchedulerOptions Options(JsonElement entry)
    {
        var options = SchedulerOptions.None;
        foreach (var list in new[] { "set_timesteps", "step" })
        {
            if (!entry.TryGetProperty(list, out var arguments))
                continue;
            foreach (var argument in arguments.EnumerateObject())
            {
                var value = argument.Value;
                options = argument.Name switch
                {
                    "timesteps" => options with { Timesteps = value.Numbers() },
                    "sigmas" => options with { Sigmas = value.Numbers() },
                    "original_inference_steps" => options with { OriginalInferenceSteps = value.GetInt32() },
                    "strength" => options with { OriginalStrength = value.GetDouble() },
                    "eta" => options with { Eta = value.GetDouble() },
                    "use_clipped_model_output" => options with { UseClippedModelOutput = value.GetBoolean() },
                    "s_churn" => options with { Churn = value.GetDouble() },
                    "s_tmin" => options with { ChurnFrom = value.GetDouble() },
                    "s_tmax" => options with { ChurnTo = value.GetDouble() },
                    "s_noise" => options with { ChurnNoise = value.GetDouble() },
                    "order" => options with { Order = value.GetInt32() },
                    _ => throw new NotSupportedException($"{list}: {argument.Name}"),
                };
            }
        }

        return options;
    }

    public static int Steps(JsonElement entry, SchedulerOptions options) =>
        entry.GetProperty("steps").ValueKind == JsonValueKind.Number ? entry.GetProperty("steps").GetInt32()
        : options.Timesteps?.Count ?? options.Sigmas!.Count - 1;

    /// <summary>
    /// The recorded timesteps, which ours have to be. Those found from noise levels carry the last bit of torch's square roots and
    /// numpy's logarithms, which go by the processor and are worth 1e-4 of a timestep: fractions are compared to that, and a whole one that
    /// lay that close to where its cast goes the other way may be the neighbour.
    /// </summary>
    public static double[] Timesteps(JsonElement entry, Scheduler scheduler, bool roundsHalves)
    {
        var expected = entry.GetProperty("timesteps").Numbers();
        Assert.Equal(expected.Length, scheduler.Count);
        var beforeCast = entry.TryGetProperty("timesteps_before_cast", out var values) ? values.Numbers() : [];
        for (var i = 0; i < expected.Length; i++)
        {
            var cast = i < beforeCast.Length ? beforeCast[i] + (roundsHalves ? 0.5 : 0) : 0.5;
            var allowed = Math.Abs(cast - Math.Round(cast)) <= LastBit ? 1 : FractionTolerance(entry, scheduler, i);
            Close.Number(expected[i], scheduler.Timesteps[i], allowed, $"timestep {i}");
        }

        return expected;
    }

    /// <summary>Runs the loop and compares the sample after each step with the recorded one.</summary>
    public static void Compare(JsonElement entry, Scheduler scheduler, double[] timesteps, ReferenceTensors tensors, string name, int steps)
    {
        var rounding = entry.TryGetProperty("rounding", out var recorded) ? recorded.GetDouble() : 0;
        var tolerance = Math.Max(1e-5, 5 * rounding);
        var source = new RecordingSource(entry.TryGetProperty("noise_seed", out var seed) ? new TorchRandom(seed.GetUInt64()) : null);
        var sample = tensors.Floats($"{name}/sample.init");
        var scaled = new float[sample.Length];
        List<int> drawn = [];
        for (var step = 0; step < steps; step++)
        {
            scheduler.ScaleModelInput(sample, step, scaled);
            Model(scaled, timesteps[step]);
            var before = source.Draws.Count;
            scheduler.Step(scaled, step, sample, source);
            if (source.Draws.Count > before)
                drawn.Add(step);
            if (tensors.Has($"{name}/noise.{step}"))
                Close.Relative(tensors.Doubles($"{name}/noise.{step}"), source.Draws[^1], 1e-6, $"{name}/noise.{step}");
            Close.Relative(tensors.Doubles($"{name}/sample.{step}"), sample, tolerance, $"{name}/sample.{step}", floor: 0);
        }

        if (entry.TryGetProperty("noise_at", out var at))
            Assert.Equal(at.Numbers().Select(step => (int)step).Where(step => step < steps), drawn);
        else
            Assert.Empty(drawn);
    }

    private static double FractionTolerance(JsonElement entry, Scheduler scheduler, int i)
    {
        if (scheduler is Kdpm2AncestralDiscrete { Begin: var begin } ancestral && i % 2 == 1)
        {
            // σ_down² = σ'² - σ_up²: the difference multiplies the last bit of σ_up.
            var (sigma, next) = (ancestral.Sigmas[begin + i - 1], ancestral.Sigmas[begin + i]);
            return LastBit * sigma * sigma / (next * next);
        }

        var spaced = scheduler.Config is { UseKarrasSigmas: true } or { UseExponentialSigmas: true } or { UseBetaSigmas: true };
        var continuous = scheduler.Config is { TimestepType: "continuous" };
        var own = entry.TryGetProperty("set_timesteps", out var arguments) && arguments.TryGetProperty("sigmas", out _);
        return scheduler is MidpointScheduler || (scheduler is SigmaScheduler && (spaced || continuous || own)) ? LastBit : 0;
    }

    // model(x, t) = x (0.3 cos(3 t / 1000)) + 0.1 sin(t / 100)
    private static void Model(Span<float> x, double t)
    {
        var (factor, offset) = ((float)(0.3 * Math.Cos(t / 1000 * 3)), (float)(0.1 * Math.Sin(t / 100)));
        foreach (ref var value in x)
            value = (value * factor) + offset;
    }

    private sealed class RecordingSource(TorchRandom? random) : INoiseSource
    {
        public List<float[]> Draws { get; } = [];

        public void FillNormal(Span<float> values)
        {
            Assert.NotNull(random);
            random.FillNormal(values);
            Draws.Add(values.ToArray());
        }
    }
}
