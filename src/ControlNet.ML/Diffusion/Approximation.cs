using System.Globalization;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// What a run leaves out to save time, at the price of another image. Everything is off by default. The savings and distances of each are
/// in the documentation's page on performance.
/// </summary>
public sealed record Approximation
{
    /// <summary>The largest interval.</summary>
    public const int MaxInterval = 20;

    private const string Features = "features", Control = "control", GuidanceName = "guidance";

    /// <summary>
    /// Every how many steps the whole UNet runs, 1 to 20. In the steps between, only its outermost layers run, on the deep features of the
    /// last whole step, and control networks do not run (DeepCache: Ma, Fang, Wang, "Accelerating Diffusion Models for Free", 2023).
    /// </summary>
    /// <value>1: every step.</value>
    public int FeatureInterval { get; init; } = 1;

    /// <summary>Every how many steps the control networks run, 1 to 20. Their residuals apply to the steps between, too.</summary>
    /// <value>1: every step.</value>
    public int ControlInterval { get; init; } = 1;

    /// <summary>
    /// The share of the steps with guidance, 0 to 1: step i of n has it if (i + 1) / n is not above. The steps after it run without the
    /// negative prompt (Kynkäänniemi et al., "Applying Guidance in a Limited Interval", 2024, which leaves out early steps, too).
    /// </summary>
    /// <value>1: all.</value>
    public double GuidanceEnd { get; init; } = 1;

    /// <summary>Whether the backend has to keep results from step to step.</summary>
    [JsonIgnore]
    public bool Reuses => FeatureInterval > 1 || ControlInterval > 1;

    /// <summary>Why ONNX graphs cannot run it; null if they can.</summary>
    internal string? ProblemOfGraphs => Reuses
        ? $"The approximation '{this}' keeps results inside the networks from step to step, which ONNX graphs cannot: expected intervals "
            + "of 1, or the model's weights on libtorch (--backend torch)."
        : null;

    /// <summary>Parses what <see cref="ToString"/> writes.</summary>
    /// <param name="settings">NAME=VALUE: <c>features=3</c>, <c>control=2</c>, <c>guidance=0.7</c>.</param>
    /// <returns>The approximation.</returns>
    /// <exception cref="ControlNetException">A name is unknown or twice there, or a value is no number in its range.</exception>
    public static Approximation Parse(IEnumerable<string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var result = new Approximation();
        HashSet<string> seen = [];
        foreach (var setting in settings)
        {
            var (name, value) = setting.Split('=', 2) is [var left, var right] ? (left, right) : (setting, "");
            if (!seen.Add(name))
                throw new ControlNetException($"The approximation '{name}' is given twice, expected each once.");
            result = name switch
            {
                Features => result with { FeatureInterval = Interval(setting, value) },
                Control => result with { ControlInterval = Interval(setting, value) },
                GuidanceName => result with { GuidanceEnd = Share(setting, value) },
                _ => throw new ControlNetException(
                    $"'{setting}' is no approximation, expected {Features}=N, {Control}=N or {GuidanceName}=SHARE."),
            };
        }

        return result;

        static int Interval(string setting, string value) =>
            int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var steps) && steps is >= 1 and <= MaxInterval
                ? steps
                : throw new ControlNetException($"The approximation '{setting}' has no interval, expected 1 to {MaxInterval} steps.");

        static double Share(string setting, string value) =>
            double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1
                ? share
                : throw new ControlNetException($"The approximation '{setting}' has no share of the steps, expected 0 to 1.");
    }

    /// <summary>The settings that differ from the defaults, <c>features=3 control=2 guidance=0.7</c>; empty for none.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        List<string> settings = [];
        if (FeatureInterval != 1)
            settings.Add(string.Create(CultureInfo.InvariantCulture, $"{Features}={FeatureInterval}"));
        if (ControlInterval != 1)
            settings.Add(string.Create(CultureInfo.InvariantCulture, $"{Control}={ControlInterval}"));
        if (GuidanceEnd != 1)
            settings.Add(string.Create(CultureInfo.InvariantCulture, $"{GuidanceName}={GuidanceEnd:R}"));
        return string.Join(' ', settings);
    }

    /// <summary>Whether a step has guidance.</summary>
    /// <param name="step">i, from 0.</param>
    /// <param name="steps">n.</param>
    internal bool IsGuided(int step, int steps) => (double)(step + 1) / steps <= GuidanceEnd;

    /// <summary>Checks the values.</summary>
    /// <returns>The first problem found: a value outside its range. Null if there is none.</returns>
    public string? Validate() => this switch
    {
        { FeatureInterval: < 1 or > MaxInterval } => $"The interval of features is {FeatureInterval}, expected 1 to {MaxInterval} steps.",
        { ControlInterval: < 1 or > MaxInterval } => $"The interval of control is {ControlInterval}, expected 1 to {MaxInterval} steps.",
        { GuidanceEnd: not (>= 0 and <= 1) } => $"The end of guidance is {GuidanceEnd}, expected 0 to 1.",
        _ => null,
    };
}
