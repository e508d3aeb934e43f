using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// A Control-LoRA: a control network in a single file that holds, for each matrix and convolution that the base's UNet has too, a change of
/// low rank (<c>NAME.up</c>, <c>NAME.down</c>), and all other tensors whole, in the original naming. The layout is that of Stability AI's
/// files. With its base it is an ordinary control network.
/// </summary>
internal static class ControlLora
{
    private const string Mark = "lora_controlnet", Weight = ".weight", Up = ".up", Down = ".down";

    /// <summary>Whether a path is such a file.</summary>
    public static bool IsAt(string path)
    {
        if (!File.Exists(path) || ControlSource.IsGraph(path))
            return false;
        using var file = TensorFile.Open(path);
        return file.Entries.ContainsKey(Mark);
    }

    /// <summary>The configuration of the control network that it becomes: the base's, with the file's own condition encoder.</summary>
    /// <exception cref="ControlNetException">The file has no condition encoder.</exception>
    public static ControlNetConfig Config(string path, ModelFolder model)
    {
        using var file = TensorFile.Open(path, Path.GetFileName(path));
        List<int> channels = [First(0)];
        for (var i = 4; file.Entries.ContainsKey($"input_hint_block.{i}.weight"); i += 4)
            channels.Add(First(i));
        var config = ControlNetConfig.FromUNet(model.UNet) with { ConditioningEmbeddingOutChannels = [.. channels] };
        config.Check(path);
        return config;

        int First(int layer) => file.Entries.TryGetValue($"input_hint_block.{layer}.weight", out var entry)
            && entry.Shape is [> 0 and <= int.MaxValue, _, _, _]
            ? (int)entry.Shape[0]
            : throw new ControlNetException($"{path}: has no input_hint_block.{layer}.weight [out, in, 3, 3], expected one.");
    }

    /// <summary>Opens the weights of the control network that it becomes; the sums are computed while they are read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">From <see cref="Config"/>.</param>
    /// <param name="model">The base model.</param>
    /// <exception cref="ControlNetException">It belongs to another base model.</exception>
    public static WeightSource OpenWeights(string path, ControlNetConfig config, ModelFolder model)
    {
        var unet = model.OpenWeights("unet");
        try
        {
            var file = TensorFile.Open(path, Path.GetFileName(path));
            var source = new WeightSource(file.Name, NetworkKind.ControlNetwork, [file, .. unet.Files]);
            try
            {
                Fill(source, file, KeyMap.For(config, prefix: ""), unet);
                return source;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch
        {
            unet.Dispose();
            throw;
        }
    }

    private static void Fill(WeightSource source, TensorFile file, KeyMap map, WeightSource unet)
    {
        HashSet<string> used = [Mark];
        foreach (var layout in map.Tensors)
        {
            if (Find(layout.Original) is { } whole)
            {
                source.Add(new WeightTensor(layout.Name, whole.Shape, file, whole));
                continue;
            }

            // What is missing is reported with all other differences when the network is loaded.
            if (layout.Original.EndsWith(Weight, StringComparison.Ordinal)
                && Find(layout.Original[..^Weight.Length] + Up) is { } up
                && Find(layout.Original[..^Weight.Length] + Down) is { } down
                && unet.Tensors.TryGetValue(layout.Name, out var weight))
                source.Add(weight.With(LowRankChange.Of(weight, Factor(up), Factor(down))));
        }

        var rest = file.Entries.Keys.Where(name => !used.Contains(name)).Order(StringComparer.Ordinal).Select(Message.Name).ToList();
        if (rest.Count > 0)
            throw new ControlNetException(
                $"{file.Name}: the Control-LoRA belongs to another base model: {rest.Count:N0} of its tensors have no counterpart in this "
                    + $"model's UNet: {Message.List(rest)}.");

        TensorEntry? Find(string name)
        {
            var entry = file.Entries.GetValueOrDefault(name);
            if (entry is not null)
                used.Add(name);
            return entry;
        }

        WeightTensor Factor(TensorEntry entry) => new(entry.Name, entry.Shape, file, entry);
    }
}
