namespace ControlNet.ML.Conditions;

/// <summary>How depths become grey levels.</summary>
public enum DepthScaling
{
    /// <summary>Minimum to 0, maximum to 255: MiDaS, DPT, Depth Anything, whose large values are near.</summary>
    MinMax,

    /// <summary>Zero stays 0, maximum to 255.</summary>
    Maximum,

    /// <summary>Metres, large is far (ZoeDepth): the 2nd percentile becomes 255, the 85th 0.</summary>
    Percentile,

    /// <summary>LeReS: minimum to 0, maximum to 255, then near and far parts are cut off and all is inverted.</summary>
    LeReS,
}

/// <summary>Settings of <see cref="Depth"/>.</summary>
public sealed record DepthOptions
{
    /// <summary>How depths become grey levels.</summary>
    /// <value><see cref="DepthScaling.MinMax"/>.</value>
    public DepthScaling Scaling { get; init; } = DepthScaling.MinMax;

    /// <summary>Whether to give the negative. Networks want near bright, so turn this on for values that grow with the distance.</summary>
    /// <value>False.</value>
    public bool Invert { get; init; }

    /// <summary>
    /// Whether 0, and what is no finite number, are places without a depth, as sensors give them: they do not count for the range, and are black.
    /// </summary>
    /// <value>False: 0 is a depth, and anything not finite is refused.</value>
    public bool SkipUnknown { get; init; }

    /// <summary>LeReS only: what is at most this share of the range becomes the nearest, percent, 0 to 100.</summary>
    /// <value>0.</value>
    public double Near { get; init; }

    /// <summary>LeReS only: what is at least 100 minus this share of the range becomes the farthest, percent, 0 to 100.</summary>
    /// <value>0.</value>
    public double Far { get; init; }
}
