using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>A control network on disk: a folder in diffusers' layout or a single file.</summary>
internal sealed class ControlSource
{
    private readonly Func<WeightSource> _open;

    private ControlSource(ControlNetConfig config, Func<WeightSource> open) => (Config, _open) = (config, open);

    /// <summary>The configuration.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>Opens a network: reads its configuration and finds its weights.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="variant">The variant of a folder's weights, <c>fp16</c>; null for the plain files.</param>
    /// <exception cref="ControlNetException">It is missing, incomplete or invalid.</exception>
    public static ControlSource Open(string path, string? variant = null)
    {
        if (Directory.Exists(path))
        {
            var folder = ControlFolder.Open(path, variant);
            return new ControlSource(folder.Config, folder.OpenWeights);
        }

        var file = ControlFile.Open(path);
        return new ControlSource(file.Config, file.OpenWeights);
    }

    /// <summary>Opens the weights, under diffusers' names.</summary>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    public WeightSource OpenWeights() => _open();
}
