using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// A control network in a single safetensors file, as most are passed around: in the original naming (with
/// <c>control_model.</c> before the names or bare) or in diffusers'.
/// </summary>
public sealed class ControlFile
{
    private readonly bool _isOriginal;
    private readonly string _prefix;

    private ControlFile(string path, ControlNetConfig config, bool isOriginal, string prefix) =>
        (Path, Config, _isOriginal, _prefix) = (path, config, isOriginal, prefix);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The configuration: given, read from the <c>.json</c> of the same name, or seen from the tensors' shapes.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>Opens a file and finds out what it holds; the weights are opened by <see cref="OpenWeights"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">
    /// The configuration. If null, the file's name with <c>.json</c> is read if it exists; else it is seen from the shapes, which works for
    /// the known families (a file does not say its number of heads).
    /// </param>
    /// <exception cref="ControlNetException">The file is not sound, holds no control network, or one of an unknown family.</exception>
    public static ControlFile Open(string path, ControlNetConfig? config = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        config?.Validate();
        using var file = SafetensorsFile.Open(path);
        if (file.Entries.ContainsKey("lora_controlnet"))
            throw new ControlNetException($"{path}: is a Control-LoRA, differences to a UNet that is not in the file; expected a whole control network.");

        var prefix = file.Entries.Keys.Any(IsPrefixed) ? KeyMap.ControlPrefix : "";
        var shapes = file.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(entry => entry.Name[prefix.Length..], entry => entry.Shape);
        var isOriginal = shapes.ContainsKey("input_hint_block.0.weight");
        if (!isOriginal && !shapes.ContainsKey("controlnet_cond_embedding.conv_in.weight"))
            throw new ControlNetException($"{path}: holds no control network, expected tensors named as in 'control_model.input_hint_block.0.weight' or 'controlnet_cond_embedding.conv_in.weight'.");

        var beside = System.IO.Path.ChangeExtension(path, ".json");
        if (config is null && File.Exists(beside))
            config = ControlNetConfig.Parse(JsonText.ReadFile(beside, beside), beside);
        return new ControlFile(file.Path, config ?? new ControlShapes(shapes, isOriginal, path).Infer(), isOriginal, prefix);
    }

    /// <summary>Opens the weights, under diffusers' names.</summary>
    /// <exception cref="ControlNetException">They are not sound.</exception>
    public WeightSource OpenWeights()
    {
        var map = KeyMap.For(Config, _prefix);
        var file = SafetensorsFile.Open(Path, System.IO.Path.GetFileName(Path));
        var source = new WeightSource(file.Name, NetworkKind.ControlNetwork, [file]);
        try
        {
            // A whole checkpoint has its base model beside the control network: only the prefixed names are of interest.
            foreach (var entry in file.Entries.Values.Where(entry => entry.Name.StartsWith(_prefix, StringComparison.Ordinal)))
                source.Add(new WeightTensor(_isOriginal ? map.FindByOriginal(entry.Name)?.Name ?? entry.Name : entry.Name[_prefix.Length..], entry.Shape, file, entry));
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static bool IsPrefixed(string key) => key.StartsWith(KeyMap.ControlPrefix, StringComparison.Ordinal);
}
