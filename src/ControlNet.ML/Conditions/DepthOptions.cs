using System.ComponentModel.DataAnnotations;

namespace ControlNet.ML.Conditions;

/// <summary>The scaling of depths to grey levels.</summary>
public enum DepthScaling
{
    /// <summary>Minimum to 0, maximum to 255: MiDaS, DPT, Depth Anything, whose large values are near.</summary>
    MinMax,

    /// <summary>Zero stays 0, maximum to 255.</summary>
    Maximum,

    /// <summary>Metres, large is far (ZoeDepth): the 2nd percentile becomes 255, the 85th 0.</summary>
    Percentile,

    /// <summary>LeReS: minimum to 0, maximum to 255, then clips near and far parts and inverts the map.</summary>
    LeReS,
}

/// <summary>Settings of <see cref="Depth"/>.</summary>
public sealed record DepthOptions
{
    /// <summary>The scaling of depths to grey levels.</summary>
    /// <value><see cref="DepthScaling.MinMax"/>.</value>
    public DepthScaling Scaling { get; init; } = DepthScaling.MinMax;

    /// <summary>Whether to invert the map. Networks expect near to be bright, so set this for values that grow with the distance.</summary>
    /// <value>False.</value>
    public bool Invert { get; init; }

    /// <summary>
    /// Whether 0 and values that are not finite mean an unknown depth, as in sensor data: they do not count for the range, and become
    /// black.
    /// </summary>
    /// <value>False: 0 is a depth, and values that are not finite are refused.</value>
    public bool SkipUnknown { get; init; }

    /// <summary>LeReS only: depths up to this percentage of the range become the nearest, 0 to 100.</summary>
    /// <value>0.</value>
    [Range(0, 100)]
    public double Near { get; init; }

    /// <summary>LeReS only: depths from 100 minus this percentage of the range on become the farthest, 0 to 100.</summary>
    /// <value>0.</value>
    [Range(0, 100)]
    public double Far { get; init; }
}
