using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>Latents as vectors.</summary>
internal static class Latents
{
    /// <summary>The type of those for pictures of a size, [C, h, w].</summary>
    public static VectorDataViewType Type(DiffusionModel model, int width, int height)
    {
        var config = model.Folder.Autoencoder;
        return new VectorDataViewType(NumberDataViewType.Single, config.LatentChannels, height / config.ScaleFactor, width / config.ScaleFactor);
    }
}
