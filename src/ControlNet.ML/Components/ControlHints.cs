using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>The encoded conditions of a control network.</summary>
internal static class ControlHints
{
    /// <summary>Their shape, [1, C, h, w], for images of a size.</summary>
    public static int[] Shape(ControlNetwork network, int width, int height) =>
        [1, network.Config.BlockOutChannels[0], height / network.Config.ConditionScale, width / network.Config.ConditionScale];

    /// <summary>Their type as vectors, [C, h, w].</summary>
    public static VectorDataViewType Type(ControlNetwork network, int width, int height) => new(NumberDataViewType.Single, Shape(network, width, height)[1..]);

    /// <summary>Encodes a condition, stretched to the size of the image to be made where its own is another.</summary>
    public static TensorData Encode(ControlNetwork network, ImageBuffer condition, int width, int height)
    {
        var pixels = ConditionImages.ToTensor(condition, width, height);
        lock (network.Gate)
        {
            ObjectDisposedException.ThrowIf(network.IsDisposed, network);
            return network.Backend.EncodeCondition(pixels);
        }
    }
}
