using System.Globalization;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>The LoRAs of a model: those loaded under a name, and those that requests named by their files. Thread-safe.</summary>
/// <param name="model">The model's name.</param>
/// <param name="folder">Its configurations.</param>
/// <param name="options">The options that it is loaded with: LoRAs of the hub come from the same one.</param>
internal sealed class LoraLibrary(string model, ModelFolder folder, LoadOptions options)
{
    private readonly Lock _gate = new();
    private readonly Lazy<LoraNames> _names = new(() => LoraNames.Of(model, folder));
    private readonly Dictionary<string, Lora> _loaded = [];
    private readonly Dictionary<string, (Lora Lora, DateTime Written, long Length)> _files = [];

    /// <summary>The LoRAs loaded under a name.</summary>
    public IReadOnlyList<Lora> Loaded
    {
        get
        {
            lock (_gate)
                return [.. _loaded.Values];
        }
    }

    /// <summary>Loads a file under a name, in place of what had it.</summary>
    /// <exception cref="ControlNetException">It is no LoRA for this model.</exception>
    public Lora Load(string path, string? name)
    {
        var lora = Lora.Read(path, name, _names.Value, options);
        lock (_gate)
            _loaded[lora.Name] = lora;
        return lora;
    }

    /// <summary>Forgets a name.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Unload(string name)
    {
        lock (_gate)
            return _loaded.Remove(name);
    }

    /// <summary>Finds LoRAs by their names, or reads their files; those with the weight 0 are left out.</summary>
    /// <exception cref="ControlNetException">There is no such LoRA, or it is not for this model.</exception>
    public IReadOnlyList<WeightedLora> Resolve(IReadOnlyList<LoraWeight> loras)
    {
        // Also a weight of 0 should find its file: a mistyped name is an error at any weight.
        var found = Find(loras).Zip(loras, (lora, weight) => new WeightedLora(lora, weight.Weight));
        return [.. found.Where(lora => lora.Weight != 0)];
    }

    /// <summary>Finds LoRAs by their names, or reads their files.</summary>
    /// <exception cref="ControlNetException">There is no such LoRA, or it is not for this model.</exception>
    public IReadOnlyList<Lora> Find(IReadOnlyList<LoraWeight> loras) => [.. loras.Select(lora => Find(lora.Name))];

    /// <summary>What distinguishes LoRAs with their weights from others.</summary>
    public static string KeyOf(IReadOnlyList<WeightedLora> loras) => string.Join(
        ';', loras.Select(lora => string.Create(CultureInfo.InvariantCulture, $"{lora.Lora.Sha256}:{lora.Weight:R}")));

    private Lora Find(string name)
    {
        lock (_gate)
        {
            if (_loaded.TryGetValue(name, out var loaded))
                return loaded;
            var path = ModelNames.FindAdapter(Lora.What, name, options with { Progress = null });
            if (!File.Exists(path))
                throw new ControlNetException(
                    $"There is no LoRA {Message.Name(name)}: expected a file, owner/name of a LoRA on the hub"
                        + $"{(_loaded.Count == 0 ? "" : $", or one of {Message.Choice([.. _loaded.Keys])}")}.");

            // A file that a training has written again is another LoRA.
            var file = new FileInfo(Path.GetFullPath(path));
            if (_files.TryGetValue(file.FullName, out var known) && known.Written == file.LastWriteTimeUtc && known.Length == file.Length)
                return known.Lora;
            var lora = Lora.Read(name, name: null, _names.Value, options);
            _files[file.FullName] = (lora, file.LastWriteTimeUtc, file.Length);
            return lora;
        }
    }
}
