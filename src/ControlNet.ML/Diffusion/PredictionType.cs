namespace ControlNet.ML.Diffusion;

/// <summary>What a network was trained to predict from a noisy sample x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε.</summary>
public enum PredictionType
{
    /// <summary>The noise ε.</summary>
    Epsilon,

    /// <summary>The clean sample x_0.</summary>
    Sample,

    /// <summary>The velocity √ᾱ_t ε - √(1 - ᾱ_t) x_0 (Salimans and Ho, 2022).</summary>
    Velocity,
}
