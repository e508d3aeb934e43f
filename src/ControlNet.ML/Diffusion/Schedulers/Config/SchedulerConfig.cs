using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// The contents of a scheduler_config.json: the class and its options. Options that a file omits have the defaults of its class, which
/// differ between classes (DDIM clips samples by default, Stable Diffusion's DDIM files turn it off). Keys that the class does not have are
/// kept, as in diffusers, for a later switch to another class.
/// </summary>
public sealed record SchedulerConfig
{
    // diffusers' schedulers read these two even if their class has no such option.
    private static readonly string[] InheritedKeys = ["sigma_min", "sigma_max"];

    private readonly SchedulerClass _class;
    private ImmutableSortedDictionary<string, JsonElement> _given;

    private SchedulerConfig(SchedulerClass kind, ImmutableSortedDictionary<string, JsonElement> given, string source)
    {
        (_class, Source) = (kind, source);
        foreach (var ((key, found), replacement) in kind.Replacements)
        {
            if (given.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(found))
                given = given.SetItem(key, PythonJson.Of(replacement));
        }

        _given = given;
    }

    /// <summary>diffusers' name of the class, such as <c>DDIMScheduler</c>.</summary>
    public string ClassName => _class.Name;

    /// <summary>The source of the configuration, for messages: a file's path.</summary>
    public string Source { get; }

    /// <summary>Keys in the file that no scheduler has; they are ignored.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. _given.Keys.Where(key => !key.StartsWith('_') && !SchedulerCatalog.Knows(key))
            .Select(key => $"{Source}: no scheduler has an option '{key}'; it is ignored."),
    ];

    /// <summary>Training timesteps, <c>num_train_timesteps</c>.</summary>
    public int NumTrainTimesteps { get => Whole("num_train_timesteps"); init => Set("num_train_timesteps", value); }

    /// <summary>The variance of the first training timestep, <c>beta_start</c>.</summary>
    public double BetaStart { get => Number("beta_start"); init => Set("beta_start", value); }

    /// <summary>The variance of the last training timestep, <c>beta_end</c>.</summary>
    public double BetaEnd { get => Number("beta_end"); init => Set("beta_end", value); }

    /// <summary>The schedule of the variances: linear, scaled_linear, squaredcos_cap_v2; for some classes sigmoid or exp.</summary>
    public string BetaSchedule { get => Word("beta_schedule"); init => Set("beta_schedule", value); }

    /// <summary>Explicit variances, one for each training timestep, instead of a schedule; null for none.</summary>
    public IReadOnlyList<double>? TrainedBetas { get => Numbers("trained_betas"); init => Set("trained_betas", value); }

    /// <summary>What the network predicts, <c>prediction_type</c>.</summary>
    public PredictionType PredictionType
    {
        get => Word("prediction_type") switch
        {
            "sample" => PredictionType.Sample,
            "v_prediction" => PredictionType.Velocity,
            _ => PredictionType.Epsilon,
        };
        init => Set("prediction_type", value switch
        {
            PredictionType.Sample => "sample",
            PredictionType.Velocity => "v_prediction",
            _ => "epsilon",
        });
    }

    /// <summary>How steps are spaced over the training timesteps: linspace, leading or trailing (Lin et al., 2023, table 2).</summary>
    public string TimestepSpacing { get => Word("timestep_spacing"); init => Set("timestep_spacing", value); }

    /// <summary>An offset added to every timestep of leading spacing, <c>steps_offset</c>.</summary>
    public int StepsOffset { get => Whole("steps_offset"); init => Set("steps_offset", value); }

    /// <summary>Whether the betas are rescaled so that the last training timestep is pure noise, <c>rescale_betas_zero_snr</c>.</summary>
    public bool RescaleBetasZeroSnr { get => Flag("rescale_betas_zero_snr"); init => Set("rescale_betas_zero_snr", value); }

    /// <summary>Whether the last step leads to ᾱ = 1 rather than to that of timestep 0, <c>set_alpha_to_one</c>.</summary>
    public bool SetAlphaToOne { get => Flag("set_alpha_to_one"); init => Set("set_alpha_to_one", value); }

    /// <summary>Whether predicted samples are clipped to ±<see cref="ClipSampleRange"/>, <c>clip_sample</c>.</summary>
    public bool ClipSample { get => Flag("clip_sample"); init => Set("clip_sample", value); }

    /// <summary>The bound at which predicted samples are clipped.</summary>
    public double ClipSampleRange { get => Number("clip_sample_range"); init => Set("clip_sample_range", value); }

    /// <summary>
    /// Whether predicted samples are scaled down by a quantile of their values (Imagen's dynamic thresholding; for pixels, not latents).
    /// </summary>
    public bool Thresholding { get => Flag("thresholding"); init => Set("thresholding", value); }

    /// <summary>The quantile of dynamic thresholding, 0 to 1.</summary>
    public double DynamicThresholdingRatio
    {
        get => Number("dynamic_thresholding_ratio");
        init => Set("dynamic_thresholding_ratio", value);
    }

    /// <summary>The upper limit of the bound of dynamic thresholding.</summary>
    public double SampleMaxValue { get => Number("sample_max_value"); init => Set("sample_max_value", value); }

    /// <summary>DDPM's variance: fixed_small, fixed_small_log or fixed_large.</summary>
    public string VarianceType { get => Word("variance_type"); init => Set("variance_type", value); }

    /// <summary>Whether PNDM skips its Runge-Kutta start, <c>skip_prk_steps</c>.</summary>
    public bool SkipPrkSteps { get => Flag("skip_prk_steps"); init => Set("skip_prk_steps", value); }

    /// <summary>Noise levels after Karras et al. (2022), equation 5, <c>use_karras_sigmas</c>.</summary>
    public bool UseKarrasSigmas { get => Flag("use_karras_sigmas"); init => Set("use_karras_sigmas", value); }

    /// <summary>Noise levels evenly spaced in their logarithm, <c>use_exponential_sigmas</c>.</summary>
    public bool UseExponentialSigmas { get => Flag("use_exponential_sigmas"); init => Set("use_exponential_sigmas", value); }

    /// <summary>Noise levels at quantiles of a beta distribution, <c>use_beta_sigmas</c>.</summary>
    public bool UseBetaSigmas { get => Flag("use_beta_sigmas"); init => Set("use_beta_sigmas", value); }

    /// <summary>Noise levels evenly spaced in log-SNR (Lu et al., 2022), <c>use_lu_lambdas</c>.</summary>
    public bool UseLuLambdas { get => Flag("use_lu_lambdas"); init => Set("use_lu_lambdas", value); }

    /// <summary>How Euler interpolates noise levels between timesteps: linear or log_linear.</summary>
    public string InterpolationType { get => Word("interpolation_type"); init => Set("interpolation_type", value); }

    /// <summary>The timestep that Euler passes to the network: discrete, or continuous for ¼ ln σ.</summary>
    public string TimestepType { get => Word("timestep_type"); init => Set("timestep_type", value); }

    /// <summary>The smallest noise level of Karras, exponential and beta spacing; null for the schedule's.</summary>
    public double? SigmaMin { get => Inherited("sigma_min"); init => Set("sigma_min", value); }

    /// <summary>The largest noise level of Karras, exponential and beta spacing; null for the schedule's.</summary>
    public double? SigmaMax { get => Inherited("sigma_max"); init => Set("sigma_max", value); }

    /// <summary>The noise level after the last step: zero, or sigma_min for that of timestep 0.</summary>
    public string FinalSigmasType { get => Word("final_sigmas_type"); init => Set("final_sigmas_type", value); }

    /// <summary>The order of a DPM, UniPC or DEIS solver, 1 to 3.</summary>
    public int SolverOrder { get => Whole("solver_order"); init => Set("solver_order", value); }

    /// <summary>The family of a DPM or DEIS solver: dpmsolver, dpmsolver++, sde-dpmsolver, sde-dpmsolver++, deis.</summary>
    public string AlgorithmType { get => Word("algorithm_type"); init => Set("algorithm_type", value); }

    /// <summary>The variant of a solver: midpoint or heun, bh1 or bh2, logrho.</summary>
    public string SolverType { get => Word("solver_type"); init => Set("solver_type", value); }

    /// <summary>Whether solvers lower their order in the last steps of short schedules, <c>lower_order_final</c>.</summary>
    public bool LowerOrderFinal { get => Flag("lower_order_final"); init => Set("lower_order_final", value); }

    /// <summary>Whether the last step is always of first order, <c>euler_at_final</c>.</summary>
    public bool EulerAtFinal { get => Flag("euler_at_final"); init => Set("euler_at_final", value); }

    /// <summary>The smallest log-SNR that a DPM solver starts from; negative infinity for the schedule's.</summary>
    public double LambdaMinClipped { get => Number("lambda_min_clipped"); init => Set("lambda_min_clipped", value); }

    /// <summary>Whether UniPC works on predicted samples rather than on predicted noise, <c>predict_x0</c>.</summary>
    public bool PredictX0 { get => Flag("predict_x0"); init => Set("predict_x0", value); }

    /// <summary>The steps after which UniPC skips the corrector, counted from 0.</summary>
    public IReadOnlyList<double> DisableCorrector { get => Numbers("disable_corrector") ?? []; init => Set("disable_corrector", value); }

    /// <summary>The number of steps of the schedule that an LCM or TCD model was distilled on.</summary>
    public int OriginalInferenceSteps { get => Whole("original_inference_steps"); init => Set("original_inference_steps", value); }

    /// <summary>The factor of timesteps in LCM's boundary conditions, <c>timestep_scaling</c>.</summary>
    public double TimestepScaling { get => Number("timestep_scaling"); init => Set("timestep_scaling", value); }

    internal SchedulerClass Class => _class;

    /// <summary>Reads a scheduler_config.json.</summary>
    /// <param name="json">The file's bytes. Python's bare -Infinity is accepted.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">It is not JSON, names an unknown class, or contains an invalid value.</exception>
    public static SchedulerConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var root = PythonJson.ParseObject(json, source);
        if (!root.TryGetProperty("_class_name", out var name) || name.ValueKind != JsonValueKind.String)
            throw new ControlNetException(
                $"{source}: '_class_name' is missing, expected the name of a scheduler: {SchedulerCatalog.ClassList}.");
        var given = root.EnumerateObject().Where(entry => entry.Name != "_class_name").ToImmutableSortedDictionary(
            entry => entry.Name,
            entry => entry.Value,
            StringComparer.Ordinal);
        var config = new SchedulerConfig(SchedulerCatalog.Class(name.GetString()!, source), given, source);
        config.Check();
        return config;
    }

    /// <summary>A configuration with all defaults of its class.</summary>
    /// <param name="className">diffusers' name of the class.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">The class is unknown.</exception>
    public static SchedulerConfig Default(string className) =>
        new(
            SchedulerCatalog.Class(className, "(defaults)"),
            ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal),
            "(defaults)");

    /// <summary>
    /// Switches the configuration to another scheduler, diffusers' <c>OtherScheduler.from_config(scheduler.config)</c>: the file's values
    /// are kept, all others become the defaults of the other class.
    /// </summary>
    /// <param name="className">diffusers' name of the other class.</param>
    /// <returns>The configuration of the other scheduler.</returns>
    /// <exception cref="ControlNetException">The class is unknown, or it cannot use the file's values.</exception>
    public SchedulerConfig SwitchTo(string className)
    {
        var config = new SchedulerConfig(SchedulerCatalog.Class(className, Source), _given, Source);
        config.Check();
        return config;
    }

    /// <summary>The file that diffusers' <c>save_config</c> would write: every key, sorted, two spaces of indentation.</summary>
    /// <returns>JSON.</returns>
    public string ToJson()
    {
        var entries = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal) { ["_class_name"] = PythonJson.Of(ClassName) };
        foreach (var (key, value) in _class.Defaults.Concat(_given))
            entries[key] = value;
        var text = new StringBuilder("{\n");
        text.AppendJoin(",\n", entries.Select(entry => $"  {PythonJson.Quote(entry.Key)}: {PythonJson.Format(entry.Value)}"));
        return text.Append("\n}\n").ToString();
    }

    /// <summary>Whether both have the same class and options.</summary>
    /// <param name="other">The other configuration.</param>
    /// <returns>True if they have.</returns>
    public bool Equals(SchedulerConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    /// <summary>Throws if an option, or a combination of options, is invalid.</summary>
    internal void Check()
    {
        foreach (var key in _class.Defaults.Keys.Union(InheritedKeys.Where(_given.ContainsKey)))
        {
            if (SchedulerKeys.Expected(key, Value(key), _class.ChoicesOf(key)) is { } expected)
                throw Wrong($"'{key}' is {Shown(Value(key))}, expected {expected}");
        }

        if (TrainedBetas is { } betas && betas.Count != NumTrainTimesteps)
            throw Wrong(
                $"'trained_betas' has {betas.Count:N0} entries, expected one for each of {NumTrainTimesteps:N0} 'num_train_timesteps'");
        if (RescaleBetasZeroSnr && NumTrainTimesteps < 2)
            throw Wrong("'rescale_betas_zero_snr' is true, expected at least 2 'num_train_timesteps' for that");
        string[] spacings = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"];
        if (spacings.Where(Flag).ToArray() is { Length: > 1 } several)
            throw Wrong($"{string.Join(" and ", several.Select(key => $"'{key}'"))} are both true, expected at most one");
        if (AlgorithmType is "dpmsolver" or "sde-dpmsolver" && FinalSigmasType == "zero")
            throw Wrong(
                $"'algorithm_type' is \"{AlgorithmType}\" and 'final_sigmas_type' \"zero\", expected \"sigma_min\" for that algorithm");
        if (SigmaMin is { } least && SigmaMax is { } most && least >= most)
            throw Wrong($"'sigma_min' is {least} and 'sigma_max' {most}, expected the first to be less");
    }

    /// <summary>An error about this configuration.</summary>
    internal ControlNetException Wrong(string what) => new($"{Source}: {ClassName}: {what}.");

    private static string Shown(JsonElement value)
    {
        var text = PythonJson.Format(value);
        return text.Length <= 60 ? text : text[..60] + "…";
    }

    private JsonElement Value(string key) => _given.TryGetValue(key, out var value) ? value : _class.Defaults[key];

    // A key that the class does not have is ignored, even if an earlier class has set it.
    private JsonElement? Own(string key) => _class.Defaults.ContainsKey(key) ? Value(key) : null;

    private int Whole(string key) => (int)Number(key);

    private double Number(string key) => NumberOrNull(key) ?? 0;

    private double? NumberOrNull(string key) => Own(key) is { } value ? SchedulerKeys.NumberOf(value) : null;

    private double? Inherited(string key) =>
        _given.TryGetValue(key, out var value) || _class.Defaults.TryGetValue(key, out value) ? SchedulerKeys.NumberOf(value) : null;

    private bool Flag(string key) => Own(key) is { ValueKind: JsonValueKind.True };

    private string Word(string key) => Own(key) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    private double[]? Numbers(string key) => Own(key) is { ValueKind: JsonValueKind.Array } value
        ? [.. value.EnumerateArray().Select(entry => entry.GetDouble())]
        : null;

    private void Set(string key, object? value) => _given = _given.SetItem(key, PythonJson.Of(value));
}
