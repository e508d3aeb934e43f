namespace ControlNet.ML.Diffusion;

/// <summary>The element type of a random tensor: a half-precision pipeline starts from rounded noise.</summary>
public enum NoisePrecision
{
    /// <summary>32-bit floats.</summary>
    Full,

    /// <summary>IEEE half precision, 11 significant bits.</summary>
    Half,

    /// <summary>bfloat16, 8 significant bits.</summary>
    BFloat16,
}
