namespace ControlNet.ML.Weights;

/// <summary>
/// The extensions of weight files, by which files are looked for in folders and on the hub. What a file is, its first bytes tell
/// (<see cref="TensorFile.Open(string)"/>).
/// </summary>
internal static class WeightEndings
{
    /// <summary>The extension of safetensors.</summary>
    public const string Safetensors = ".safetensors";

    private static readonly string[] OfTorch = [".ckpt", ".pth", ".pt", ".bin"];

    /// <summary>All extensions, safetensors first.</summary>
    public static IReadOnlyList<string> All { get; } = [Safetensors, .. OfTorch];

    /// <summary>Whether a file's name is that of weights.</summary>
    public static bool AreOf(string file) => IsSafetensors(file) || IsPickle(file);

    /// <summary>Whether a file's name is that of safetensors.</summary>
    public static bool IsSafetensors(string file) => Has(file, Safetensors);

    /// <summary>Whether a file's name is one that <c>torch.save</c> is used with.</summary>
    public static bool IsPickle(string file) => Array.Exists(OfTorch, ending => Has(file, ending));

    private static bool Has(string file, string ending) => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
