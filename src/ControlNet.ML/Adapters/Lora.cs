using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>
/// A LoRA: low-rank changes W' = W + weight · scale · up · down of some weights of a model (Hu et al., LoRA: Low-Rank Adaptation of Large
/// Language Models, 2021). It is matched with the model whose names it was read for.
/// </summary>
public sealed class Lora
{
    /// <summary>What it is called in messages.</summary>
    internal const string What = "LoRA";

    private Lora(string name, string path, string sha256, IReadOnlyList<LoraModule> modules) =>
        (Name, Path, Sha256, Modules) = (name, path, sha256, modules);

    /// <summary>The name that requests use.</summary>
    public string Name { get; }

    /// <summary>The full path of its file.</summary>
    public string Path { get; }

    /// <summary>What it was loaded by: a path, or an id of the hub.</summary>
    internal string Source { get; private init; } = "";

    /// <summary>The SHA-256 of its file, in hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>The changed modules, in the order of the model's.</summary>
    public IReadOnlyList<LoraModule> Modules { get; }

    /// <summary>Reads a file completely and closes it: a trainer may overwrite it at any time.</summary>
    /// <param name="source">The file, or an id of the hub, which is fetched unless it is in the cache.</param>
    /// <param name="name">The name that requests use; null for the file's name without extension, or the id.</param>
    /// <param name="names">The names of the model's modules.</param>
    /// <param name="options">The model's, for the hub; null for the defaults.</param>
    /// <exception cref="ControlNetException">It is no LoRA, of a kind that is not supported, or for another model.</exception>
    internal static Lora Read(string source, string? name, LoraNames names, LoadOptions? options = null)
    {
        var path = ModelNames.FindAdapter(What, source, options is null ? null : options with { Progress = null });
        using var file = TensorFile.Open(path);
        var modules = new LoraReader(file, names).Read();
        name ??= path == source ? System.IO.Path.GetFileNameWithoutExtension(path) : source;
        return new Lora(name, file.Path, WeightReference.Digest(file.Path), modules) { Source = source };
    }
}

/// <summary>A LoRA's change of one module: ΔW = scale · up · down.</summary>
/// <param name="Part">The network: <c>unet</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
/// <param name="Path">The module's path in diffusers' or transformers' state dict, without <c>.weight</c>.</param>
/// <param name="Down">[rank, inputs], or [rank, inputs, kernel, kernel] for a convolution.</param>
/// <param name="Up">[outputs, rank], or [outputs, rank, 1, 1].</param>
/// <param name="Scale">Alpha divided by the rank.</param>
public sealed record LoraModule(string Part, string Path, TensorData Down, TensorData Up, double Scale);
