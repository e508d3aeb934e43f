using ControlNet.ML.Adapters;
using ControlNet.ML.Hub;
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
                .Select(lora => new AdapterReference(lora.Key, false, Of(lora.Value.Source, lora.Value.Path, lora.Value.Sha256))),
            .. model.Embeddings.Select(
                embedding => new AdapterReference(embedding.Token, true, Of(embedding.Source, embedding.Path, embedding.Sha256))),
        ];
    }

    /// <summary>Loads it into a model, after checking the file.</summary>
    /// <exception cref="ControlNetException">The file is missing or has changed.</exception>
    public void Load(DiffusionModel model)
    {
        var what = IsEmbedding ? TextualInversion.What : Lora.What;
        var path = File.Find(name => ModelNames.FindAdapter(what, name, model.Options) is var found && System.IO.File.Exists(found)
            ? found
            : throw new ControlNetException($"{found}: does not exist."));
        if (IsEmbedding)
            model.LoadEmbedding(path, Name);
        else
            model.LoadLora(path, Name);
    }

    private static WeightReference Of(string source, string path, string sha256) =>
        WeightReference.OfAdapter(ModelHub.PinnedName(source, path) ?? path, Path.GetFileName(path), sha256);
}
