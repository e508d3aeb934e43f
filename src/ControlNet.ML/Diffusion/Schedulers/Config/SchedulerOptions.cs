namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Options of a scheduler's run, in addition to its configuration and the number of steps: diffusers' arguments of <c>set_timesteps</c> and
/// <c>step</c>. An option that the scheduler does not have throws an <see cref="ArgumentException"/>.
/// </summary>
public sealed record SchedulerOptions
{
    /// <summary>The default options.</summary>
    public static SchedulerOptions None { get; } = new();

    /// <summary>
    /// The number of samples of equal length in each span passed to the scheduler. Dynamic thresholding works per sample.
    /// </summary>
    /// <value>1</value>
    public int Rows { get; init; } = 1;

    /// <summary>
    /// Image-to-image: the share of the schedule that runs, 0 to 1; the first <c>steps - ⌊steps · strength⌋</c> steps are skipped.
    /// </summary>
    /// <value>null: all of it</value>
    public double? Strength { get; init; }

    /// <summary>
    /// The share of the training timesteps that another model has denoised already, 0 to 1 (<c>denoising_start</c> of the XL pipelines).
    /// </summary>
    /// <value>null: none</value>
    public double? DenoisingStart { get; init; }

    /// <summary>The number of timesteps that are skipped at the start of the schedule (<c>set_begin_index</c>).</summary>
    /// <value>null: none</value>
    public int? Begin { get; init; }

    /// <summary>Custom timesteps, descending, one per step. DDPM, Euler, Heun, DPM, LCM and TCD take them.</summary>
    /// <value>null: those of the configuration's spacing</value>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>Custom noise levels σ, descending, one more than steps. Euler takes them.</summary>
    /// <value>null: those of the timesteps</value>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>η of DDIM, 0 (deterministic) to 1 (as DDPM); γ of TCD, 0 to 1.</summary>
    /// <value>null: 0 for DDIM, 0.3 for TCD</value>
    public double? Eta { get; init; }

    /// <summary>Whether DDIM recomputes its noise direction from the clipped sample.</summary>
    /// <value>null: no</value>
    public bool? UseClippedModelOutput { get; init; }

    /// <summary>Euler's added noise (Karras et al., 2022, algorithm 2): S_churn.</summary>
    /// <value>null: 0</value>
    public double? Churn { get; init; }

    /// <summary>The smallest σ at which Euler adds noise: S_tmin.</summary>
    /// <value>null: 0</value>
    public double? ChurnFrom { get; init; }

    /// <summary>The largest σ at which Euler adds noise: S_tmax.</summary>
    /// <value>null: any</value>
    public double? ChurnTo { get; init; }

    /// <summary>The factor of Euler's added noise: S_noise.</summary>
    /// <value>null: 1</value>
    public double? ChurnNoise { get; init; }

    /// <summary>The maximum number of derivatives that LMS uses, 1 to 10.</summary>
    /// <value>null: 4</value>
    public int? Order { get; init; }

    /// <summary>
    /// Whether LMS, in a run that starts later (image-to-image), uses the order as if the skipped steps had run: diffusers' results, which
    /// leave noise at a low <see cref="Strength"/> as the skipped derivatives count as 0. Otherwise the order is at most the number of
    /// steps run.
    /// </summary>
    /// <value>null: no</value>
    public bool? OrderOfWholeSchedule { get; init; }

    /// <summary>The number of steps of LCM's or TCD's distillation schedule, instead of the configuration's.</summary>
    /// <value>null: the configuration's</value>
    public int? OriginalInferenceSteps { get; init; }

    /// <summary>The share of the distillation schedule that LCM or TCD takes its timesteps from (their <c>strength</c>).</summary>
    /// <value>null: all of it</value>
    public double? OriginalStrength { get; init; }

    /// <summary>Throws if an option is set that the class does not take, or whose value is out of range.</summary>
    internal void Check(SchedulerClass schedulerClass, int steps)
    {
        (string Name, object? Value)[] particular =
        [
            (nameof(Timesteps), Timesteps),
            (nameof(Sigmas), Sigmas),
            (nameof(Eta), Eta),
            (nameof(UseClippedModelOutput), UseClippedModelOutput),
            (nameof(Churn), Churn), (nameof(ChurnFrom), ChurnFrom), (nameof(ChurnTo), ChurnTo), (nameof(ChurnNoise), ChurnNoise),
            (nameof(Order), Order), (nameof(OrderOfWholeSchedule), OrderOfWholeSchedule),
            (nameof(OriginalInferenceSteps), OriginalInferenceSteps), (nameof(OriginalStrength), OriginalStrength),
        ];
        foreach (var (name, value) in particular)
        {
            if (value is not null && !schedulerClass.Options.Contains(name))
                throw new ArgumentException($"{schedulerClass.Name} takes no option {name}.");
        }

        Range(Rows >= 1, nameof(Rows), Rows, "at least 1");
        Range(Strength is null or >= 0 and <= 1, nameof(Strength), Strength, "0 to 1");
        Range(DenoisingStart is null or >= 0 and <= 1, nameof(DenoisingStart), DenoisingStart, "0 to 1");
        Range(Eta is null or >= 0 and <= 1, nameof(Eta), Eta, "0 to 1");
        Range(Churn is null or >= 0, nameof(Churn), Churn, "at least 0");
        Range(Order is null or >= 1 and <= 10, nameof(Order), Order, "1 to 10");
        Range(OriginalInferenceSteps is null or >= 1, nameof(OriginalInferenceSteps), OriginalInferenceSteps, "at least 1");
        Range(OriginalStrength is null or > 0 and <= 1, nameof(OriginalStrength), OriginalStrength, "above 0, to 1");
        if ((Strength is null ? 0 : 1) + (DenoisingStart is null ? 0 : 1) + (Begin is null ? 0 : 1) > 1)
            throw new ArgumentException(
                $"{nameof(Strength)}, {nameof(DenoisingStart)} and {nameof(Begin)} exclude each other: expected at most one.");
        if (Timesteps is not null && Sigmas is not null)
            throw new ArgumentException($"{nameof(Timesteps)} and {nameof(Sigmas)} exclude each other: expected at most one.");
        if (Timesteps is { } timesteps && timesteps.Count != steps)
            throw new ArgumentException($"{timesteps.Count} {nameof(Timesteps)} for {steps} steps, expected {steps}.");
        if (Sigmas is { } sigmas && sigmas.Count != steps + 1)
            throw new ArgumentException($"{sigmas.Count} {nameof(Sigmas)} for {steps} steps, expected {steps + 1}.");
    }

    private static void Range(bool fits, string name, object? value, string expected)
    {
        if (!fits)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}, expected {expected}.");
    }
}
