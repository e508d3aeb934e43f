using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>A LoRA or textual inversion of a saved component's model: its file with the checksum, and its name in the model.</summary>
/// <param name="Name">The name by which options and columns name a LoRA, or the token of a textual inversion.</param>
/// <param name="IsEmbedding">Whether it is a textual inversion.</param>
/// <param name="File">The file.</param>
internal sealed record AdapterReference(string Name, bool IsEmbedding, WeightReference File)
{
    /// <summary>All that a component's results depend on, or can: those that its options name, and those loaded under a name.</summary>
    /// <param name="model">The component's model.</param>
    /// <param name="loras">The LoRAs of the component's options.</param>
    public static AdapterReference[] Of(DiffusionModel model, IReadOnlyList<LoraWeight> loras)
    {
        var named = loras.Select(lora => lora.Name).Zip(model.Loras.Find(loras)).ToDictionary(lora => lora.First, lora => lora.Second);
        foreach (var lora in model.Loras.Loaded)
            named.TryAdd(lora.Name, lora);
        return
        [
            .. named.OrderBy(lora => lora.Key, StringComparer.Ordinal)
                .Select(lora => new AdapterReference(lora.Key, false, WeightReference.OfAdapter(lora.Value.Path, lora.Value.Sha256))),
            .. model.Embeddings.Select(
                embedding => new AdapterReference(embedding.Token, true, WeightReference.OfAdapter(embedding.Path, embedding.Sha256))),
        ];
    }

    /// <summary>Loads it into a model, after checking the file.</summary>
    /// <exception cref="ControlNetException">The file is missing or has changed.</exception>
    public void Load(DiffusionModel model)
    {
        var path = File.Find(
            path => System.IO.File.Exists(path) ? path : throw new ControlNetException($"{path}: does not exist."));
        if (IsEmbedding)
            model.LoadEmbedding(path, Name);
        else
            model.LoadLora(path, Name);
    }
}
