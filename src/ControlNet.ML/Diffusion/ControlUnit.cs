namespace ControlNet.ML.Diffusion;

/// <summary>How much, when and in what manner one control network takes part.</summary>
public sealed record ControlUnit
{
    /// <summary>Factor of all its residuals (conditioning scale). 0 leaves the network out: it is not even run.</summary>
    /// <value>Default: 1.</value>
    public double Scale { get; init; } = 1;

    /// <summary>Where in the steps its window begins, from 0 to 1.</summary>
    /// <value>Default: 0.</value>
    public double Start { get; init; }

    /// <summary>Where its window ends, from 0 to 1, not before the start.</summary>
    /// <value>Default: 1.</value>
    public double End { get; init; } = 1;

    /// <summary>How its residuals are weighted.</summary>
    /// <value>Default: <see cref="ControlWeighting.Uniform"/>.</value>
    public ControlWeighting Weighting { get; init; }

    /// <summary>Whether the network matters in a step: step i of n is inside the window when i/n ≥ start and (i+1)/n ≤ end (diffusers' control_guidance_start / _end).</summary>
    /// <param name="step">i, from 0.</param>
    /// <param name="steps">n.</param>
    public bool IsActive(int step, int steps) =>
        Scale != 0 && (double)step / steps >= Start && (double)(step + 1) / steps <= End;

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">A value is not a number or outside its range.</exception>
    public void Validate()
    {
        if (!double.IsFinite(Scale))
            throw new ArgumentException($"The scale of a control network is {Scale}, expected a finite number.");
        if (!(Start >= 0 && Start <= End && End <= 1))
            throw new ArgumentException($"The window of a control network is {Start} to {End}, expected 0 <= start <= end <= 1.");
    }
}
