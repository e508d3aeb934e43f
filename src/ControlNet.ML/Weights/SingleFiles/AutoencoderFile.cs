using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>
/// An autoencoder (VAE) of its own, which takes the place of a model's: a single file in the original naming or diffusers', a folder in
/// diffusers' layout, or the folder of a model.
/// </summary>
internal sealed class AutoencoderFile
{
    private readonly Func<WeightSource> _open;

    private AutoencoderFile(AutoencoderConfig config, IReadOnlyList<string> files, Func<WeightSource> open) =>
        (Config, Files, _open) = (config, files, open);

    /// <summary>The configuration.</summary>
    public AutoencoderConfig Config { get; }

    /// <summary>The weight files.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Opens a file or folder: finds its configuration.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="variant">The variant of a folder's weights, or null.</param>
    /// <param name="own">
    /// The configuration of the model's own autoencoder: that of the file too, if its tensors have the same shapes. Otherwise the file has
    /// at least its scaling factor, which no tensor tells.
    /// </param>
    /// <exception cref="ControlNetException">It is missing, invalid, or holds no autoencoder.</exception>
    public static AutoencoderFile Open(string path, string? variant, AutoencoderConfig own)
    {
        if (Directory.Exists(path))
        {
            var folder = Directory.Exists(Path.Combine(path, "vae")) ? Path.Combine(path, "vae") : path;
            var configPath = Path.Combine(folder, "config.json");
            if (!File.Exists(configPath))
                throw new ControlNetException(
                    $"{path}: has no config.json, expected the folder of an autoencoder, or a single file of one.");
            var files = PartFiles.Find(folder, NetworkKind.Autoencoder, variant)
                ?? throw new ControlNetException($"{path}: {PartFiles.Absence(folder, NetworkKind.Autoencoder)}.");
            return new AutoencoderFile(
                AutoencoderConfig.Parse(JsonText.ReadFile(configPath, configPath), configPath),
                files.Single is { } single ? [single] : [.. ShardIndex.Read(files.Index!, files.Index!).Keys],
                () => WeightSource.Open(folder, NetworkKind.Autoencoder, variant));
        }

        using var file = TensorFile.Open(path);
        var prefix = file.Entries.ContainsKey(KeyMap.AutoencoderPrefix + "decoder.conv_in.weight") ? KeyMap.AutoencoderPrefix : "";
        if (!file.Entries.ContainsKey(prefix + "decoder.conv_in.weight") || !file.Entries.ContainsKey(prefix + "encoder.conv_in.weight"))
            throw new ControlNetException(
                $"{path}: {(WeightKind.Recognise(file) is { } kind ? $"is {kind.Words}" : "contains no autoencoder")}; expected a VAE.");
        var isOriginal = file.Entries.ContainsKey(prefix + "decoder.mid.block_1.conv1.weight");
        var shapes = file.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Name[prefix.Length..], entry => entry.Shape);
        var config = Fits(own, shapes, isOriginal) ? own : new AutoencoderShapes(shapes, isOriginal, path).Infer(own.ScalingFactor);
        return new AutoencoderFile(config, [file.Path], () => CheckpointWeights.OpenAutoencoder(file.Path, config, prefix, isOriginal));
    }

    /// <summary>Whether tensors have the shapes of a configuration. Old names of diffusers are not compared.</summary>
    private static bool Fits(AutoencoderConfig config, Dictionary<string, long[]> shapes, bool isOriginal) =>
        KeyMap.For(config, "").Tensors.All(tensor =>
            shapes.TryGetValue(isOriginal ? tensor.Original : tensor.Name, out var shape)
            && shape.AsSpan().SequenceEqual(isOriginal ? tensor.OriginalShape : tensor.Shape));

    /// <summary>Opens the weights, under diffusers' names.</summary>
    public WeightSource OpenWeights() => _open();
}
