using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>The levels of an encoder, from the channels of its residuals.</summary>
internal static class ResidualLayout
{
    private const int UsualLayers = 2;

    /// <summary>The channels of each level, and its residual blocks.</summary>
    /// <param name="residuals">One for each skip connection, in the encoder's order, and the middle block's last.</param>
    /// <returns>Null if a number of channels is not declared, or the residuals are those of no encoder.</returns>
    public static (int[] Channels, int Layers)? Of(IReadOnlyList<OnnxPort> residuals)
    {
        var channels = residuals.Select(port => GraphReader.Size(port, 1)).OfType<int>().ToArray();
        if (channels.Length != residuals.Count || channels.Length < 3)
            return null;

        // Skip connections: the first convolution; in each level its blocks; and, except in the last, its downsampler.
        var skips = channels.Length - 1;
        foreach (var layers in new[] { UsualLayers, 1, 3, 4 })
        {
            if (skips % (layers + 1) != 0)
                continue;
            int[] levels = [.. Enumerable.Range(0, skips / (layers + 1)).Select(level => channels[1 + (level * (layers + 1))])];
            if (All(levels, layers).Select(residual => residual.Channels).SequenceEqual(channels))
                return (levels, layers);
        }

        return null;
    }

    /// <summary>The channels of all residuals of an encoder, the middle block's last, and how often each is halved in size.</summary>
    /// <param name="channels">The channels of each level.</param>
    /// <param name="layers">Residual blocks of a level.</param>
    public static IEnumerable<(int Channels, int Halvings)> All(int[] channels, int layers) =>
        SkipConnections.Of(channels, layers).Append((channels[^1], channels.Length - 1));
}
