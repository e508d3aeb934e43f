using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>Opens the networks of a single file, each under diffusers' or transformers' names.</summary>
internal static class CheckpointWeights
{
    /// <summary>Opens the UNet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The UNet's configuration.</param>
    /// <param name="prefix">The prefix of its original names.</param>
    public static WeightSource OpenUNet(string path, UNetConfig config, string prefix)
    {
        var map = KeyMap.For(config, prefix);
        return OpenPart(path, NetworkKind.UNet, prefix, _ => true, (name, shape) => (map.FindByOriginal(name)?.Name ?? name, shape));
    }

    /// <summary>
    /// Opens the UNet's averaged weights (<c>model_ema</c>). They are named without the dots, which only a table can put back.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The UNet's configuration.</param>
    /// <param name="prefix">The prefix of its original names.</param>
    public static WeightSource OpenAveragedUNet(string path, UNetConfig config, string prefix)
    {
        var byAveraged = KeyMap.For(config, prefix).Tensors.ToDictionary(
            tensor => "model_ema." + tensor.Original["model.".Length..].Replace(".", "", StringComparison.Ordinal), tensor => tensor.Name);
        return OpenPart(
            path,
            NetworkKind.UNet,
            "model_ema.diffusion_model",
            _ => true,
            (name, shape) => (byAveraged.GetValueOrDefault(name, name), shape));
    }

    /// <summary>Opens a text encoder of transformers' names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="prefix">The prefix of its names.</param>
    public static WeightSource OpenTextEncoder(string path, string prefix) => OpenPart(
        path,
        NetworkKind.TextEncoder,
        prefix,
        rest => rest != "text_projection.weight" && rest != "logit_scale",
        (name, shape) => KeyNormaliser.Normalise(NetworkKind.TextEncoder, name[prefix.Length..], shape));

    /// <summary>Opens a text encoder of OpenCLIP's names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The text encoder's configuration.</param>
    /// <param name="prefix">The prefix of its names.</param>
    public static WeightSource OpenOpenClip(string path, ClipTextConfig config, string prefix) =>
        WeightSource.Around(TensorFile.Open(path, Path.GetFileName(path)), NetworkKind.TextEncoder, source =>
        {
            var file = source.Files[0];
            foreach (var tensor in KeyMap.For(config).Tensors)
            {
                // What is missing or of another shape is reported when the weights are matched.
                var (key, third, isTransposed) = OpenClipLayout.Of(tensor.Name);
                if (!file.Entries.TryGetValue(prefix + key, out var entry))
                    continue;
                isTransposed &= entry.Shape.Length == 2;
                var shape = third < 0 ? isTransposed ? [.. entry.Shape.Reverse()] : entry.Shape
                    : entry.Shape is [var rows, .. var rest] && rows % 3 == 0 ? [rows / 3, .. rest]
                    : throw new ControlNetException(
                        $"{file.Name}: {Message.Name(entry.Name)} is {Message.Shape(entry.Shape)}, expected query, key and value in one.");
                source.Add(new WeightTensor(tensor.Name, shape, file, entry, Math.Max(third, 0) * (entry.Count / 3), isTransposed));
            }
        });

    /// <summary>Opens the weights of an autoencoder in a single file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The autoencoder's configuration.</param>
    /// <param name="prefix">The prefix of its names.</param>
    /// <param name="isOriginal">Whether the names are the original ones.</param>
    public static WeightSource OpenAutoencoder(string path, AutoencoderConfig config, string prefix, bool isOriginal)
    {
        var map = KeyMap.For(config, prefix);
        return OpenPart(path, NetworkKind.Autoencoder, prefix, IsWeight, (name, shape) =>
        {
            if (!isOriginal)
                return KeyNormaliser.Normalise(NetworkKind.Autoencoder, name[prefix.Length..], shape);
            return map.FindByOriginal(name) is { } layout
                ? (layout.Name, shape.AsSpan().SequenceEqual(layout.OriginalShape) ? layout.Shape : shape)
                : (name, shape);
        });

        // A trainer's file also has the discriminator.
        bool IsWeight(string rest) => rest.StartsWith("encoder.", StringComparison.Ordinal)
            || rest.StartsWith("decoder.", StringComparison.Ordinal) || rest.StartsWith("quant_conv.", StringComparison.Ordinal)
            || rest.StartsWith("post_quant_conv.", StringComparison.Ordinal);
    }

    /// <summary>Opens some of the tensors of a file as the weights of a network.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">The kind of network.</param>
    /// <param name="prefix">The prefix of its names.</param>
    /// <param name="isWeight">Whether the rest of a name is that of a weight.</param>
    /// <param name="rename">The name and shape in diffusers, from those in the file; null if it is no weight.</param>
    private static WeightSource OpenPart(
        string path,
        NetworkKind kind,
        string prefix,
        Func<string, bool> isWeight,
        Func<string, long[], (string Name, long[] Shape)?> rename) =>
        WeightSource.Around(TensorFile.Open(path, Path.GetFileName(path)), kind, source =>
        {
            var file = source.Files[0];
            foreach (var entry in file.Entries.Values)
            {
                if (entry.Name.StartsWith(prefix, StringComparison.Ordinal) && isWeight(entry.Name[prefix.Length..])
                    && rename(entry.Name, entry.Shape) is var (name, shape))
                    source.Add(new WeightTensor(name, shape, file, entry));
            }
        });
}
