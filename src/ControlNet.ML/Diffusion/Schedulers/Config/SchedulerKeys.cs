using System.Collections.Frozen;
using System.Text.Json;

namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// The valid values of each key of a scheduler_config.json. Values that only some classes allow are listed with the classes.
/// </summary>
internal static class SchedulerKeys
{
    /// <summary>
    /// An upper limit, above any model's training timesteps; larger numbers in a file are refused before anything is allocated.
    /// </summary>
    public const int MostTimesteps = 1_000_000;

    private static readonly FrozenDictionary<string, Rule> Rules = new Dictionary<string, Rule>
    {
        ["num_train_timesteps"] = Whole(1, MostTimesteps),
        ["beta_start"] = BetweenZeroAndOne,
        ["beta_end"] = BetweenZeroAndOne,
        ["trained_betas"] = OrNull(Numbers(0, 1)),
        ["steps_offset"] = Whole(0, MostTimesteps),
        ["solver_order"] = Whole(1, 3),
        ["original_inference_steps"] = Whole(1, MostTimesteps),
        ["clip_sample"] = Switch,
        ["set_alpha_to_one"] = Switch,
        ["thresholding"] = Switch,
        ["rescale_betas_zero_snr"] = Switch,
        ["skip_prk_steps"] = Switch,
        ["lower_order_final"] = Switch,
        ["euler_at_final"] = Switch,
        ["predict_x0"] = Switch,
        ["use_karras_sigmas"] = OrNull(Switch),
        ["use_exponential_sigmas"] = OrNull(Switch),
        ["use_beta_sigmas"] = OrNull(Switch),
        ["use_lu_lambdas"] = OrNull(Switch),
        ["use_flow_sigmas"] = OrNull(new("false (flow matching is not supported)", value => value.ValueKind == JsonValueKind.False)),
        ["use_dynamic_shifting"] = Switch,
        ["dynamic_thresholding_ratio"] = Number(0, 1),
        ["clip_sample_range"] = Number(0, double.MaxValue),
        ["sample_max_value"] = Number(0, double.MaxValue),
        ["sigma_min"] = OrNull(Number(1e-10, double.MaxValue)),
        ["sigma_max"] = OrNull(Number(1e-10, double.MaxValue)),
        ["timestep_scaling"] = Number(0, double.MaxValue),
        ["flow_shift"] = OrNull(Number(0, double.MaxValue)),
        ["lambda_min_clipped"] = new("a number or -Infinity", value => NumberOf(value) is { } number && number < double.PositiveInfinity),
        ["disable_corrector"] = Numbers(0, MostTimesteps),
        ["solver_p"] = new("null (no other scheduler as predictor)", value => value.ValueKind == JsonValueKind.Null),
    }.ToFrozenDictionary();

    private static Rule BetweenZeroAndOne => new("a number above 0 and below 1", value => NumberOf(value) is > 0 and < 1);

    private static Rule Switch => new("true or false", value => value.ValueKind is JsonValueKind.True or JsonValueKind.False);

    /// <summary>The expectation that a value fails; null if the value is valid.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value found.</param>
    /// <param name="choices">The values that the class allows under this key; null if they are not restricted.</param>
    public static string? Expected(string key, JsonElement value, IReadOnlyList<string?>? choices)
    {
        if (choices is not null)
        {
            var word = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            var fits = value.ValueKind is JsonValueKind.String or JsonValueKind.Null && choices.Contains(word);
            return fits ? null : string.Join(" or ", choices.Select(choice => choice is null ? "null" : $"\"{choice}\""));
        }

        return Rules.TryGetValue(key, out var rule) && !rule.Fits(value) ? rule.Expected : null;
    }

    /// <summary>A number, including Python's spelling of infinities; null if the value is not a number.</summary>
    public static double? NumberOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetDouble(out var number) ? number : null,
        JsonValueKind.String when value.ValueEquals("-Infinity") => double.NegativeInfinity,
        JsonValueKind.String when value.ValueEquals("Infinity") => double.PositiveInfinity,
        _ => null,
    };

    private static Rule Whole(int least, int most) => new(
        $"a whole number from {least:N0} to {most:N0}",
        value => NumberOf(value) is { } number && number >= least && number <= most && number == Math.Floor(number));

    private static Rule Number(double least, double most) => new(
        most == double.MaxValue ? $"a number of at least {least}" : $"a number from {least} to {most}",
        value => NumberOf(value) is { } number && number >= least && number <= most);

    private static Rule Numbers(double least, double most) => new(
        $"a list of numbers from {least} to {most}",
        value => value.ValueKind == JsonValueKind.Array
            && value.EnumerateArray().All(entry => NumberOf(entry) is { } number && number >= least && number <= most));

    private static Rule OrNull(Rule rule) => new(
        $"{rule.Expected}, or null",
        value => value.ValueKind == JsonValueKind.Null || rule.Fits(value));

    private sealed record Rule(string Expected, Func<JsonElement, bool> Fits);
}
