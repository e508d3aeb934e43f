using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// A control network in a single file, the most common way to share one, safetensors or torch's: in the original naming (with or without
/// the prefix <c>control_model.</c>) or in diffusers'.
/// </summary>
public sealed class ControlFile
{
    private readonly bool _isOriginal;
    private readonly string _prefix;

    private ControlFile(string path, ControlNetConfig config, bool isOriginal, string prefix) =>
        (Path, Config, _isOriginal, _prefix) = (path, config, isOriginal, prefix);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The configuration: given, read from the <c>.json</c> of the same name, or inferred from the tensors' shapes.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>Opens a file and determines its naming; <see cref="OpenWeights"/> opens the weights.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">
    /// The configuration. If null, it is read from the file's name with <c>.json</c> if that exists; else it is inferred from the shapes,
    /// which works for the known families (the number of heads is not in the file).
    /// </param>
    /// <returns>The file, whose weights are not open yet.</returns>
    /// <exception cref="ControlNetException">The file is invalid, contains no control network, or one of an unknown family.</exception>
    public static ControlFile Open(string path, ControlNetConfig? config = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        config?.Check();
        using var file = TensorFile.Open(path);
        var kind = WeightKind.Recognise(file);
        if (kind is not null && kind.Network != NetworkKind.ControlNetwork)
            throw new ControlNetException($"{path}: is {kind.Words}; expected a control network.");

        var prefix = file.Entries.Keys.Any(IsPrefixed) ? KeyMap.ControlPrefix : "";
        var shapes = file.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Name[prefix.Length..], entry => entry.Shape);
        var isOriginal = shapes.ContainsKey("input_hint_block.0.weight");
        if (!isOriginal && !shapes.ContainsKey("controlnet_cond_embedding.conv_in.weight"))
            throw new ControlNetException(
                $"{path}: contains no control network, expected tensors named as in 'control_model.input_hint_block.0.weight' or "
                    + "'controlnet_cond_embedding.conv_in.weight'.");

        var configPath = System.IO.Path.ChangeExtension(path, ".json");
        if (config is null && File.Exists(configPath))
            config = ControlNetConfig.Parse(JsonText.ReadFile(configPath, configPath), configPath);
        return new ControlFile(file.Path, config ?? new ControlShapes(shapes, isOriginal, path).Infer(), isOriginal, prefix);
    }

    /// <summary>Opens the weights, under diffusers' names.</summary>
    /// <returns>The weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    public WeightSource OpenWeights()
    {
        var map = KeyMap.For(Config, _prefix);
        return WeightSource.Around(
            TensorFile.Open(Path, System.IO.Path.GetFileName(Path)), NetworkKind.ControlNetwork, source =>
            {
                // A full checkpoint also contains its base model: only the prefixed names matter.
                var file = source.Files[0];
                foreach (var entry in file.Entries.Values.Where(entry => entry.Name.StartsWith(_prefix, StringComparison.Ordinal)))
                    source.Add(new WeightTensor(
                        _isOriginal ? map.FindByOriginal(entry.Name)?.Name ?? entry.Name : entry.Name[_prefix.Length..],
                        entry.Shape,
                        file,
                        entry));
            });
    }

    private static bool IsPrefixed(string key) => key.StartsWith(KeyMap.ControlPrefix, StringComparison.Ordinal);
}
