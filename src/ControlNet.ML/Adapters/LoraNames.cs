using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>A module of a model whose weight a LoRA can change.</summary>
/// <param name="Part">The network: <c>unet</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
/// <param name="Path">Its path in diffusers' or transformers' state dict.</param>
/// <param name="Shape">The shape of its weight: [outputs, inputs], or [outputs, inputs, kernel, kernel].</param>
/// <param name="Index">Its place among the model's modules.</param>
internal sealed record LoraTarget(string Part, string Path, long[] Shape, int Index);

/// <summary>
/// The names that LoRA files give to a model's modules. They are computed from the module's own names and looked up, since kohya's names
/// cannot be split: each of their underscores may have been a dot.
/// </summary>
internal sealed class LoraNames
{
    private const string UNet = "unet", Text = "text_encoder", Text2 = "text_encoder_2", Weight = ".weight";

    private static readonly (string Old, string Path)[] TextAttention =
        [("to_q", "q_proj"), ("to_k", "k_proj"), ("to_v", "v_proj"), ("to_out", "out_proj")];

    private readonly Dictionary<string, LoraTarget> _byName = [];
    private int _count;

    private LoraNames(string model) => Model = model;

    /// <summary>The model's name, for messages.</summary>
    public string Model { get; }

    /// <summary>The names of a model's modules.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="folder">Its configurations.</param>
    public static LoraNames Of(string name, ModelFolder folder) => Of(name, folder.UNet, folder.TextEncoder, folder.TextEncoder2);

    /// <summary>The names of the modules of some networks.</summary>
    public static LoraNames Of(string name, UNetConfig unet, ClipTextConfig text, ClipTextConfig? text2 = null)
    {
        var names = new LoraNames(name);
        foreach (var (path, original, shape) in Modules(KeyMap.For(unet, prefix: "")))
            names.AddUNet(names.Target(UNet, path, shape), original);
        foreach (var (path, _, shape) in Modules(KeyMap.For(text)))
            names.AddText(names.Target(Text, path, shape), "lora_te_", "lora_te1_");
        foreach (var (path, _, shape) in text2 is null ? [] : Modules(KeyMap.For(text2)))
            names.AddText(names.Target(Text2, path, shape), "lora_te2_");
        return names;
    }

    /// <summary>The module that a file means by a name; null if the model has none.</summary>
    /// <param name="name">The tensor's name up to that of the factor.</param>
    public LoraTarget? Find(string name) => _byName.GetValueOrDefault(name);

    private static IEnumerable<(string Path, string Original, long[] Shape)> Modules(KeyMap map) =>
        from tensor in map.Tensors
        where tensor.Shape.Length >= 2 && tensor.Name.EndsWith(Weight, StringComparison.Ordinal)
            && !tensor.Name.Contains("_embedding.weight", StringComparison.Ordinal)
        select (tensor.Name[..^Weight.Length], tensor.Original[..^Weight.Length], tensor.Shape);

    private LoraTarget Target(string part, string path, long[] shape) => new(part, path, shape, _count++);

    private void AddUNet(LoraTarget target, string original)
    {
        var path = target.Path;
        Add(target, path, $"{UNet}.{path}", $"base_model.model.{path}", $"diffusion_model.{original}");
        Add(target, Underscored("lora_unet_", path), Underscored("lora_unet_", original));

        // The oldest files name the attention's processor: attn1.processor.to_q means attn1.to_q, and to_out means to_out.0.
        var old = path.EndsWith(".to_out.0", StringComparison.Ordinal) ? path[..^".0".Length] : path;
        var last = old.LastIndexOf('.');
        if (last > 0 && old[(last + 1)..] is "to_q" or "to_k" or "to_v" or "to_out")
        {
            var processor = $"{old[..last]}.processor{old[last..]}";
            Add(target, processor, $"{UNet}.{processor}");
        }
    }

    private void AddText(LoraTarget target, params ReadOnlySpan<string> kohya)
    {
        var path = target.Path;
        Add(target, $"{target.Part}.{path}", $"base_model.model.{path}", path);
        foreach (var prefix in kohya)
            Add(target, Underscored(prefix, path));
        foreach (var (old, present) in TextAttention)
        {
            if (path.EndsWith($".self_attn.{present}", StringComparison.Ordinal))
                Add(target, $"{target.Part}.{path[..^present.Length]}{old}");
        }
    }

    /// <summary>Adds names. The first text encoder keeps those that say nothing about the network.</summary>
    private void Add(LoraTarget target, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            _byName.TryAdd(name, target);
    }

    private static string Underscored(string prefix, string path) => prefix + path.Replace('.', '_');
}
