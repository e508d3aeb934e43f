namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The available schedulers, and the names by which users choose them.</summary>
public static class SchedulerCatalog
{
    // A new scheduler is one file and one line here.
    private static readonly SchedulerClass[] All =
    [
        Ddim.Class,
        Ddpm.Class,
        Pndm.Class,
        EulerDiscrete.Class,
        EulerAncestralDiscrete.Class,
        HeunDiscrete.Class,
        LmsDiscrete.Class,
        Kdpm2Discrete.Class,
        Kdpm2AncestralDiscrete.Class,
        DpmSolverMultistep.Class,
        DpmSolverSinglestep.Class,
        UniPcMultistep.Class,
        DeisMultistep.Class,
        Lcm.Class,
        Tcd.Class,
    ];

    // The one table of the names by which users choose a scheduler.
    private static readonly Entry[] Entries =
    [
        new("ddim", "DDIM", "DDIMScheduler", "deterministic; the classic of Stable Diffusion 1"),
        new("ddpm", "DDPM", "DDPMScheduler", "the training process in reverse; noise at every step, wants many"),
        new(
            "pndm",
            "PLMS",
            "PNDMScheduler",
            "linear multistep; what Stable Diffusion 1 folders name",
            config => config with { SkipPrkSteps = true }),
        new("euler", "Euler", "EulerDiscreteScheduler", "one plain step; what Stable Diffusion XL folders name"),
        new("euler-ancestral", "Euler a", "EulerAncestralDiscreteScheduler", "Euler with fresh noise at every step; lively, never settles"),
        new("heun", "Heun", "HeunDiscreteScheduler", "second order at two network calls a step"),
        new("lms", "LMS", "LMSDiscreteScheduler", "linear multistep over noise levels"),
        new("lms-karras", "LMS Karras", "LMSDiscreteScheduler", "LMS with Karras' noise levels", Karras),
        new("kdpm2", "DPM2", "KDPM2DiscreteScheduler", "second order at two network calls a step"),
        new("kdpm2-karras", "DPM2 Karras", "KDPM2DiscreteScheduler", "DPM2 with Karras' noise levels", Karras),
        new("kdpm2-ancestral", "DPM2 a", "KDPM2AncestralDiscreteScheduler", "DPM2 with fresh noise at every step"),
        new(
            "kdpm2-ancestral-karras",
            "DPM2 a Karras",
            "KDPM2AncestralDiscreteScheduler",
            "DPM2 a with Karras' noise levels",
            Karras),
        new(
            "dpmpp-2s",
            "DPM++ 2S",
            "DPMSolverSinglestepScheduler",
            "second order in groups of two steps",
            DpmPlusPlus("dpmsolver++", karras: false)),
        new(
            "dpmpp-2m",
            "DPM++ 2M",
            "DPMSolverMultistepScheduler",
            "second order; good images in 20 steps",
            DpmPlusPlus("dpmsolver++", karras: false)),
        new(
            "dpmpp-2m-karras",
            "DPM++ 2M Karras",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M with Karras' noise levels",
            DpmPlusPlus("dpmsolver++", karras: true)),
        new(
            "dpmpp-2m-sde",
            "DPM++ 2M SDE",
            "DPMSolverMultistepScheduler",
            "second order with noise at every step",
            DpmPlusPlus("sde-dpmsolver++", karras: false)),
        new(
            "dpmpp-2m-sde-karras",
            "DPM++ 2M SDE Karras",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M SDE with Karras' noise levels",
            DpmPlusPlus("sde-dpmsolver++", karras: true)),
        new("unipc", "UniPC", "UniPCMultistepScheduler", "predictor and corrector; good images in 10 steps"),
        new("deis", "DEIS", "DEISMultistepScheduler", "exponential integrator of second order"),
        new("tcd", "TCD", "TCDScheduler", "for models distilled to few steps, with adjustable noise"),
        new("lcm", "LCM", "LCMScheduler", "for models distilled to few steps"),
    ];

    // A class name changes nothing but the class, as from_config in diffusers.
    private static readonly Entry[] Classes = [.. All.Select(kind => new Entry(kind.Name, kind.Name, kind.Name, "diffusers' class"))];

    private static readonly HashSet<string> Keys = [.. All.SelectMany(kind => kind.Defaults.Keys)];

    /// <summary>The short names, in display order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(entry => entry.Name)];

    /// <summary>diffusers' class names.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = [.. All.Select(kind => kind.Name)];

    internal static string ClassList => string.Join(", ", ClassNames);

    /// <summary>Describes a scheduler in one line: its name in web UIs, and what it does.</summary>
    /// <param name="name">A short name, a class name of diffusers or a web UI's name, as in <see cref="Configure"/>.</param>
    /// <returns>The description.</returns>
    /// <exception cref="ControlNetException">The name is unknown.</exception>
    public static string Describe(string name)
    {
        var entry = Find(name);
        return $"{entry.WebName}: {entry.Description}";
    }

    /// <summary>Switches a model's configuration to a scheduler.</summary>
    /// <param name="own">The model's own configuration.</param>
    /// <param name="name">
    /// One of <see cref="Names"/>; one of <see cref="ClassNames"/>, which changes the class alone, as <c>from_config</c> does; or the name
    /// that web UIs show, such as <c>DPM++ 2M Karras</c> or <c>Euler a</c>. Case, spaces and punctuation do not matter.
    /// </param>
    /// <returns>The configuration of that scheduler.</returns>
    /// <exception cref="ControlNetException">The name is unknown, or the scheduler cannot use the model's configuration.</exception>
    public static SchedulerConfig Configure(SchedulerConfig own, string name)
    {
        ArgumentNullException.ThrowIfNull(own);
        var entry = Find(name);
        var config = own.SwitchTo(entry.ClassName);
        return entry.Change is { } change ? change(config) : config;
    }

    /// <summary>The name under which a scheduler is recorded, whichever of its names a user gave: the short one, or the class's.</summary>
    /// <exception cref="ControlNetException">The name is unknown.</exception>
    internal static string NameOf(string name) => Find(name).Name;

    /// <summary>The model's own configuration, or that of a short name if one is given.</summary>
    internal static SchedulerConfig Choose(SchedulerConfig own, string? name) => name is null ? own : Configure(own, name);

    internal static bool Knows(string key) => Keys.Contains(key);

    internal static SchedulerClass Class(string name, string source) =>
        All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new ControlNetException($"{source}: unknown scheduler '{name}', expected one of {ClassList}.");

    private static Entry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Entries.Concat(Classes).FirstOrDefault(entry => entry.IsCalled(name)) is { } found)
            return found;
        var nearest = NearestName.Suggest(name, Names) is { } ours && IsNearest(ours)
            ? ours
            : NearestName.Suggest(name, OtherNames());
        throw new ControlNetException(
            $"Unknown scheduler {Message.Name(name)}.{(nearest is null ? "" : $" Did you mean '{nearest}'?")} Expected one of "
                + $"{string.Join(", ", Names)}, or a name of diffusers' classes or of web UIs.");

        // Among names that are equally near, the short one.
        bool IsNearest(string candidate) => NearestName.Suggest(name, OtherNames()) is not { } other
            || NearestName.Distance(name, candidate) <= NearestName.Distance(name, other);

        static IEnumerable<string> OtherNames() => Entries.Select(entry => entry.WebName).Concat(ClassNames);
    }

    private static SchedulerConfig Karras(SchedulerConfig config) => config with { UseKarrasSigmas = true };

    private static Func<SchedulerConfig, SchedulerConfig> DpmPlusPlus(string algorithm, bool karras) => config =>
        config with { AlgorithmType = algorithm, SolverOrder = 2, UseKarrasSigmas = karras };

    /// <summary>A choice of scheduler.</summary>
    /// <param name="Name">Its short name.</param>
    /// <param name="WebName">Its name in web UIs, which took it from k-diffusion.</param>
    /// <param name="ClassName">diffusers' class.</param>
    /// <param name="Description">What it does, in one line.</param>
    /// <param name="Change">The settings that the name implies, if any.</param>
    private sealed record Entry(
        string Name, string WebName, string ClassName, string Description, Func<SchedulerConfig, SchedulerConfig>? Change = null)
    {
        public bool IsCalled(string name) => Plain(name) is var plain && (plain == Plain(Name) || plain == Plain(WebName));

        /// <summary>Letters and digits in lower case, with k-diffusion's spelling of ++: DPM++ 2M Karras is dpmpp_2m_karras.</summary>
        private static string Plain(string name) =>
            string.Concat(name.Replace('+', 'p').ToLowerInvariant().Where(char.IsLetterOrDigit));
    }
}
