namespace ControlNet.ML.Diffusion;

/// <summary>What a step takes from an earlier one (<see cref="Approximation"/>).</summary>
[Flags]
public enum StepReuse
{
    /// <summary>Nothing: everything is computed.</summary>
    None = 0,

    /// <summary>The summed residuals of the last step whose control networks ran.</summary>
    Controls = 1,

    /// <summary>The deep features of the last step whose whole UNet ran.</summary>
    Features = 2,
}
