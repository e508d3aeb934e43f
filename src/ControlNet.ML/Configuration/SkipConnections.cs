namespace ControlNet.ML.Configuration;

/// <summary>
/// The encoder's skip connections, in order, each of which has a residual in a control network: the first convolution's, then those of each
/// level's layers, and of its downsampler in all levels but the last.
/// </summary>
internal static class SkipConnections
{
    /// <summary>The channels of each, and how often its size is halved.</summary>
    /// <param name="channels">The channels of each level.</param>
    /// <param name="layers">Residual blocks of a level.</param>
    public static IEnumerable<(int Channels, int Halvings)> Of(IReadOnlyList<int> channels, int layers)
    {
        yield return (channels[0], 0);
        for (var level = 0; level < channels.Count; level++)
        {
            for (var layer = 0; layer < layers; layer++)
                yield return (channels[level], level);
            if (level < channels.Count - 1)
                yield return (channels[level], level + 1);
        }
    }
}
