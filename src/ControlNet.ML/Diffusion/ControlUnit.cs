namespace ControlNet.ML.Diffusion;

/// <summary>The scale, window and weighting of one control network.</summary>
public sealed record ControlUnit
{
    /// <summary>Factor of all residuals (conditioning scale). 0 disables the network: it is not run.</summary>
    /// <value>Default: 1.</value>
    public double Scale { get; init; } = 1;

    /// <summary>Start of the window, as a fraction of the steps, 0 to 1.</summary>
    /// <value>Default: 0.</value>
    public double Start { get; init; }

    /// <summary>End of the window, as a fraction of the steps, from the start to 1.</summary>
    /// <value>Default: 1.</value>
    public double End { get; init; } = 1;

    /// <summary>How its residuals are weighted.</summary>
    /// <value>Default: <see cref="ControlWeighting.Uniform"/>.</value>
    public ControlWeighting Weighting { get; init; }

    /// <summary>Whether the network is run at all: at scale 0 it needs no condition and is not run.</summary>
    internal bool TakesPart => Scale != 0;

    /// <summary>
    /// Whether the network is active in a step: step i of n is inside the window when i/n ≥ start and (i+1)/n ≤ end (diffusers'
    /// control_guidance_start / _end).
    /// </summary>
    /// <param name="step">i, from 0.</param>
    /// <param name="steps">n.</param>
    /// <returns>True inside the window.</returns>
    public bool IsActive(int step, int steps) =>
        TakesPart && (double)step / steps >= Start && (double)(step + 1) / steps <= End;

    /// <summary>Checks the values.</summary>
    /// <returns>The first problem found: a value that is not finite or outside its range. Null if there is none.</returns>
    public string? Validate()
    {
        if (!double.IsFinite(Scale))
            return $"The scale of a control network is {Scale}, expected a finite number.";
        return Start >= 0 && Start <= End && End <= 1
            ? null
            : $"The window of a control network is {Start} to {End}, expected 0 <= start <= end <= 1.";
    }
}
