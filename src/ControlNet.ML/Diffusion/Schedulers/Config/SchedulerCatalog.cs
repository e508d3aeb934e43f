namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>The available schedulers: diffusers' classes, and the short names of the command line.</summary>
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

    private static readonly Entry[] Entries =
    [
        new("ddim", "DDIMScheduler", "DDIM: deterministic; the classic of Stable Diffusion 1"),
        new("ddpm", "DDPMScheduler", "DDPM: the training process in reverse; noise at every step, wants many"),
        new(
            "pndm",
            "PNDMScheduler",
            "PNDM (PLMS): linear multistep; what Stable Diffusion 1 folders name",
            config => config with { SkipPrkSteps = true }),
        new("euler", "EulerDiscreteScheduler", "Euler: one plain step; what Stable Diffusion XL folders name"),
        new("euler-ancestral", "EulerAncestralDiscreteScheduler", "Euler a: Euler with fresh noise at every step; lively, never settles"),
        new("heun", "HeunDiscreteScheduler", "Heun: second order at two network calls a step"),
        new("lms", "LMSDiscreteScheduler", "LMS: linear multistep over noise levels"),
        new("kdpm2", "KDPM2DiscreteScheduler", "DPM2: second order at two network calls a step"),
        new("kdpm2-ancestral", "KDPM2AncestralDiscreteScheduler", "DPM2 a: DPM2 with fresh noise at every step"),
        new(
            "dpmpp-2s",
            "DPMSolverSinglestepScheduler",
            "DPM++ 2S: second order in groups of two steps",
            DpmPlusPlus("dpmsolver++", karras: false)),
        new(
            "dpmpp-2m",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M: second order; good images in 20 steps",
            DpmPlusPlus("dpmsolver++", karras: false)),
        new(
            "dpmpp-2m-karras",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M with Karras' noise levels",
            DpmPlusPlus("dpmsolver++", karras: true)),
        new(
            "dpmpp-2m-sde",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M SDE: second order with noise at every step",
            DpmPlusPlus("sde-dpmsolver++", karras: false)),
        new(
            "dpmpp-2m-sde-karras",
            "DPMSolverMultistepScheduler",
            "DPM++ 2M SDE with Karras' noise levels",
            DpmPlusPlus("sde-dpmsolver++", karras: true)),
        new("unipc", "UniPCMultistepScheduler", "UniPC: predictor and corrector; good images in 10 steps"),
        new("deis", "DEISMultistepScheduler", "DEIS: exponential integrator of second order"),
        new("tcd", "TCDScheduler", "TCD: for models distilled to few steps, with adjustable noise"),
        new("lcm", "LCMScheduler", "LCM: for models distilled to few steps"),
    ];

    private static readonly HashSet<string> Keys = [.. All.SelectMany(kind => kind.Defaults.Keys)];

    /// <summary>The short names, in display order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(entry => entry.Name)];

    /// <summary>diffusers' class names.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = [.. All.Select(kind => kind.Name)];

    internal static string ClassList => string.Join(", ", ClassNames);

    /// <summary>The one-line description of a short name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The description.</returns>
    /// <exception cref="ControlNetException">The name is unknown.</exception>
    public static string Describe(string name) => Find(name).Description;

    /// <summary>Switches a model's configuration to the scheduler of a short name.</summary>
    /// <param name="own">The model's own configuration.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The configuration of that scheduler.</returns>
    /// <exception cref="ControlNetException">The name is unknown, or the scheduler cannot use the model's configuration.</exception>
    public static SchedulerConfig Configure(SchedulerConfig own, string name)
    {
        ArgumentNullException.ThrowIfNull(own);
        var entry = Find(name);
        var config = own.SwitchTo(entry.ClassName);
        return entry.Change is { } change ? change(config) : config;
    }

    /// <summary>The model's own configuration, or that of a short name if one is given.</summary>
    internal static SchedulerConfig Choose(SchedulerConfig own, string? name) => name is null ? own : Configure(own, name);

    internal static bool Knows(string key) => Keys.Contains(key);

    internal static SchedulerClass Class(string name, string source) =>
        All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new ControlNetException($"{source}: unknown scheduler '{name}', expected one of {ClassList}.");

    private static Entry Find(string name) =>
        Entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new ControlNetException($"Unknown scheduler '{name}', expected one of {string.Join(", ", Names)}.");

    private static Func<SchedulerConfig, SchedulerConfig> DpmPlusPlus(string algorithm, bool karras) => config =>
        config with { AlgorithmType = algorithm, SolverOrder = 2, UseKarrasSigmas = karras };

    private sealed record Entry(string Name, string ClassName, string Description, Func<SchedulerConfig, SchedulerConfig>? Change = null);
}
