using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>Channels of the encoder's skip tensors.</summary>
internal static class SkipChannels
{
    /// <summary>The first convolution's, then each level's layers' and its downsampler's.</summary>
    public static IEnumerable<int> Of(EncoderConfig config)
    {
        yield return config.BlockOutChannels[0];
        for (var level = 0; level < config.Levels; level++)
        {
            var count = config.LayersPerBlock + (level == config.Levels - 1 ? 0 : 1);
            for (var i = 0; i < count; i++)
                yield return config.BlockOutChannels[level];
        }
    }
}
