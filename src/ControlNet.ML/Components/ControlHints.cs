using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>The encoded conditions (hints) of a control network as ML.NET vectors.</summary>
internal static class ControlHints
{
    /// <summary>The shape of a hint, [1, C, h, w], for images of a size in pixels.</summary>
    public static int[] Shape(ControlNetwork network, int width, int height) => [.. network.Backend.HintShape(width, height)];

    /// <summary>The type of a hint as a vector, [C, h, w].</summary>
    public static VectorDataViewType Type(ControlNetwork network, int width, int height) =>
        new(NumberDataViewType.Single, Shape(network, width, height)[1..]);
}
