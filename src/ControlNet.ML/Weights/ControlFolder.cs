using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>A control network in diffusers' layout: a folder with <c>config.json</c> and weights.</summary>
public sealed class ControlFolder
{
    private ControlFolder(string path, ControlNetConfig config, string? variant) => (Path, Config, Variant) = (path, config, variant);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The configuration.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>The requested variant of the weights, or null.</summary>
    public string? Variant { get; }

    /// <summary>Opens a folder: reads its configuration and finds its weights.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="variant">
    /// The variant of the weights to use, such as <c>fp16</c>; null for the plain files. A folder that has only one of the two uses that.
    /// </param>
    /// <returns>The folder, whose weights are not open yet.</returns>
    /// <exception cref="ControlNetException">The folder is missing, incomplete or invalid.</exception>
    public static ControlFolder Open(string path, string? variant = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var root = System.IO.Path.GetFullPath(path);
        var configPath = System.IO.Path.Combine(root, "config.json");
        if (!File.Exists(configPath))
            throw new ControlNetException(
                $"{path}: {(ForeignModel.Describe(path) is { } kind ? $"{kind};" : "has no config.json,")} "
                    + $"expected the folder of a control network ({(File.Exists(path) ? "this is a file" : "or a single file of one")}).");
        var name = System.IO.Path.GetFileName(root) + "/config.json";
        var config = ControlNetConfig.Parse(JsonText.ReadFile(configPath, name), name);
        if (PartFiles.Find(root, NetworkKind.ControlNetwork, variant) is null)
            throw new ControlNetException($"{path}: {PartFiles.Absence(root, NetworkKind.ControlNetwork)}.");
        return new ControlFolder(root, config, variant);
    }

    /// <summary>Opens the weights.</summary>
    /// <returns>The weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    public WeightSource OpenWeights() => WeightSource.Open(Path, NetworkKind.ControlNetwork, Variant);
}
