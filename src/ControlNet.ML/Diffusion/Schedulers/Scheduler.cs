namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// A scheduler with its timesteps: the reverse process from noise to sample, one network call per step. It is fully set up by its
/// constructor and runs once, its steps in order, on one sample or on several of the same length that are concatenated in every span.
/// Results are those of diffusers 0.35. Not thread-safe.
/// </summary>
public abstract class Scheduler
{
    private readonly double[] _timesteps;
    private float[] _noise = [];
    private int _length;
    private int _next;

    /// <param name="config">The configuration.</param>
    /// <param name="steps">The requested number of steps; there may be more timesteps, or one more by rounding.</param>
    /// <param name="timesteps">The timesteps of the whole schedule.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="evaluations">Network calls per step: 2 for Heun-like schedulers, diffusers' <c>order</c>.</param>
    private protected Scheduler(SchedulerConfig config, int steps, double[] timesteps, SchedulerOptions options, int evaluations = 1)
    {
        Config = config;
        Options = options;
        Schedule = timesteps;
        Begin = options switch
        {
            { Begin: { } begin } => begin,
            { Strength: { } strength } => FirstStep(steps, strength) is var first && first < steps ? first * evaluations : timesteps.Length,
            { DenoisingStart: { } start } => FirstStepAfter(start, evaluations),
            _ => 0,
        };
        if (Begin < 0)
            throw new ArgumentOutOfRangeException(nameof(options), Begin, $"The first step is {Begin}, expected at least 0.");
        if (Begin >= timesteps.Length)
        {
            throw new ControlNetException(
                $"{Describe(options)} leaves none of the {timesteps.Length} timesteps of {ClassName} to run, expected at least one: "
                    + "take more steps or a larger share of them.");
        }

        if (Begin % evaluations != 0)
        {
            throw new ArgumentException(
                $"The first step is {Begin}, expected a multiple of {evaluations}: "
                    + $"{config.ClassName} calls the network {evaluations} times a step.",
                nameof(options));
        }

        _timesteps = timesteps[Begin..];
    }

    /// <summary>The configuration that it was built from.</summary>
    public SchedulerConfig Config { get; }

    /// <summary>
    /// The timesteps that run, for the network, in order: whole numbers for most schedulers, fractions for some. Some schedulers call the
    /// network twice at, or between, the requested steps; those calls are included. As in diffusers, trailing spacing ends in a timestep -1
    /// where rounding makes it one too long (61 steps of 1,000).
    /// </summary>
    public IReadOnlyList<double> Timesteps => _timesteps;

    /// <summary>The number of timesteps that run.</summary>
    public int Count => _timesteps.Length;

    /// <summary>The number of timesteps that are skipped at the start of the whole schedule.</summary>
    public int Begin { get; }

    /// <summary>The factor for the initial noise, from N(0, 1), of a run that starts from noise alone.</summary>
    public virtual double InitNoiseSigma => 1;

    private protected SchedulerOptions Options { get; }

    /// <summary>All timesteps, including those skipped at the start.</summary>
    private protected double[] Schedule { get; }

    private protected string ClassName => Config.ClassName;

    /// <summary>Creates the scheduler of a configuration.</summary>
    /// <param name="config">Class and options, from a model's folder or switched from it.</param>
    /// <param name="steps">
    /// The number of steps, 1 to the number of training timesteps; with custom timesteps or sigmas, their number.
    /// </param>
    /// <param name="options">Further options of the run; null for the defaults.</param>
    /// <returns>The scheduler, before its first step.</returns>
    /// <exception cref="ControlNetException">The configuration is invalid, or the number of steps is not possible with it.</exception>
    /// <exception cref="ArgumentException">The options do not fit the scheduler, or each other.</exception>
    public static Scheduler Create(SchedulerConfig config, int steps, SchedulerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        if (steps < 1 || steps > config.NumTrainTimesteps)
        {
            throw new ControlNetException(
                $"{steps} steps for {config.ClassName}, expected 1 to {config.NumTrainTimesteps} (the model's training timesteps).");
        }

        options ??= SchedulerOptions.None;
        options.Check(config.Class, steps);
        var scheduler = config.Class.Create(config, steps, options);
        return scheduler.Obstacle() is { } obstacle ? throw StepCount.Refuse(config, steps, options, obstacle) : scheduler;
    }

    /// <summary>
    /// The number of first steps that image-to-image skips: diffusers' <c>get_timesteps</c>, steps - ⌊steps · strength⌋ in double
    /// arithmetic.
    /// </summary>
    /// <param name="steps">The number of steps.</param>
    /// <param name="strength">The share of the steps that run, 0 to 1.</param>
    /// <returns>The index of the first step that runs.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Steps are negative, or the strength is outside 0 to 1.</exception>
    public static int FirstStep(int steps, double strength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        if (strength is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(strength), strength, "A strength is 0 to 1.");
        return steps - (int)(steps * strength);
    }

    /// <summary>Scales the sample to the network's input at a step.</summary>
    /// <param name="sample">x_t.</param>
    /// <param name="step">The step's index, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="scaled">Receives the scaled sample, of the same length; may be <paramref name="sample"/> itself.</param>
    public void ScaleModelInput(ReadOnlySpan<float> sample, int step, Span<float> scaled)
    {
        var divisor = InputDivisor(Index(step));
        if (divisor == 1)
            sample.CopyTo(scaled);
        else
            WeightedSum.Divide(scaled, sample, divisor);
    }

    /// <summary>Takes a step: computes the previous sample from x_t and the network's output.</summary>
    /// <param name="modelOutput">The network's prediction from the scaled x_t.</param>
    /// <param name="step">The step's index: first 0, then one more each time, to <see cref="Count"/> - 1.</param>
    /// <param name="sample">
    /// In: x_t. Out: the sample at the next timestep; after the last step the result. The same length in all steps.
    /// </param>
    /// <param name="noise">
    /// The noise of schedulers that add noise: one tensor of the sample's length per step. Null for schedulers that add none.
    /// </param>
    /// <exception cref="InvalidOperationException">The steps are not taken in order.</exception>
    /// <exception cref="ArgumentException">Output and sample differ in length, or the length is not that of the steps before.</exception>
    public void Step(ReadOnlySpan<float> modelOutput, int step, Span<float> sample, INoiseSource? noise = null)
    {
        if (step != _next || step >= Count)
        {
            var due = _next < Count ? $"step {_next}" : $"none, as all {Count} have run";
            throw new InvalidOperationException($"Step {step} of {ClassName} was called, expected {due}: a scheduler runs once, in order.");
        }

        if (modelOutput.Length != sample.Length)
        {
            throw new ArgumentException(
                $"The network's output has {modelOutput.Length} values, expected {sample.Length} as the sample has.", nameof(modelOutput));
        }

        if (step == 0)
        {
            if (sample.IsEmpty || sample.Length % Options.Rows != 0)
                throw new ArgumentException(
                    $"A sample of {sample.Length} values, expected a multiple of {Options.Rows} rows.", nameof(sample));
            _length = sample.Length;
            Allocate(_length);
        }
        else if (sample.Length != _length)
        {
            throw new ArgumentException($"A sample of {sample.Length} values, expected {_length} as in the steps before.", nameof(sample));
        }

        Advance(modelOutput, step, sample, noise);
        _next++;
    }

    /// <summary>Adds the noise of a step to a clean sample, as the start of image-to-image or as the kept part of inpainting.</summary>
    /// <param name="original">The clean sample x_0.</param>
    /// <param name="noise">Noise from N(0, 1), of the same length.</param>
    /// <param name="step">The step's index, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="noisy">Receives the noisy sample, of the same length; may be <paramref name="original"/> itself.</param>
    public void AddNoise(ReadOnlySpan<float> original, ReadOnlySpan<float> noise, int step, Span<float> noisy)
    {
        var (signal, deviation) = NoiseAt(Index(step));
        WeightedSum.SetSingle(noisy, signal, original, deviation, noise);
    }

    /// <summary>Why the schedule's steps cannot all be taken; null if they can.</summary>
    internal virtual string? Obstacle()
    {
        for (var step = 0; step < Count; step++)
        {
            if (!IsFinite(step))
                return $"step {step + 1} of {Count} divides by the difference of two equal noise levels";
        }

        return null;
    }

    /// <summary>
    /// Whether the factors of a step are finite; not guaranteed for solvers that divide by the difference of noise levels.
    /// </summary>
    private protected virtual bool IsFinite(int step) => true;

    /// <summary>The divisor of <see cref="ScaleModelInput"/> at an index of the whole schedule.</summary>
    private protected virtual float InputDivisor(int index) => 1;

    /// <summary>The factors of sample and noise in <see cref="AddNoise"/> at an index of the whole schedule.</summary>
    private protected abstract (float Signal, float Deviation) NoiseAt(int index);

    /// <summary>Allocates the buffers for samples of a length, before the first step.</summary>
    private protected abstract void Allocate(int length);

    /// <summary>Takes one step; its index in the whole schedule is <c>Begin + step</c>.</summary>
    private protected abstract void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise);

    /// <summary>Random numbers of the sample's length.</summary>
    private protected ReadOnlySpan<float> Draw(INoiseSource? noise)
    {
        if (noise is null)
            throw new ArgumentNullException(nameof(noise), $"{ClassName} adds noise in this step, expected a noise source.");
        if (_noise.Length == 0)
            _noise = new float[_length];
        noise.FillNormal(_noise);
        return _noise;
    }

    private static string Describe(SchedulerOptions options) =>
        options.Strength is { } strength ? $"A strength of {strength}"
        : options.DenoisingStart is { } start ? $"Starting after {start} of the denoising"
        : $"Beginning at {options.Begin}";

    private int Index(int step)
    {
        if ((uint)step >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(step), step, $"A step is 0 to {Count - 1}.");
        return Begin + step;
    }

    private int FirstStepAfter(double start, int evaluations)
    {
        var trained = Config.NumTrainTimesteps;
        var cutoff = Math.Round(trained - (start * trained), MidpointRounding.ToEven);
        var left = Schedule.Count(timestep => timestep < cutoff);

        // Never between the two evaluations of one step.
        if (evaluations == 2 && left % 2 == 0)
            left++;
        return Math.Max(Schedule.Length - left, 0);
    }
}
