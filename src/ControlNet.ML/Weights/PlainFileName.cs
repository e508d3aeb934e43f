using System.Buffers;

namespace ControlNet.ML.Weights;

/// <summary>
/// Checks untrusted file names, from an index or a saved model: which of them may be followed, with the same rules on every system.
/// </summary>
internal static class PlainFileName
{
    private const int Longest = 255, MostParts = 8;

    // ONNX graphs have their weights in files that exporters name model.onnx_data, model.onnx.data or weights.pb.
    private static readonly string[] Endings = [.. WeightEndings.All, ".onnx", ".onnx_data", ".data", ".pb", ".json", ".txt"];

    private static readonly SearchValues<char> Separators = SearchValues.Create("/\\:*?\"<>|");

    /// <summary>The extensions of a model's files, for messages.</summary>
    public static string KnownEndings => Message.Choices(Endings);

    /// <summary>Whether a name is a plain file name in the same folder: no separator, drive, stream, device or hidden file.</summary>
    public static bool IsPlain(string name)
    {
        if (name.Length is 0 or > Longest || name[0] is '.' or ' ' || name[^1] is '.' or ' ')
            return false;
        if (name.AsSpan().ContainsAny(Separators) || name.Any(char.IsControl))
            return false;
        var stem = name.Split('.')[0].TrimEnd().ToUpperInvariant();
        var isDevice = stem is "CON" or "PRN" or "AUX" or "NUL" or "CONIN$" or "CONOUT$"
            || (stem.Length == 4 && (stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal)));
        return !isDevice;
    }

    /// <summary>
    /// Whether a name is that of a model's file: in or below its folder, plain names between slashes, with the extension of weights or
    /// settings.
    /// </summary>
    public static bool IsOfModel(string name) => name.Split('/') is var parts && parts.Length <= MostParts && parts.All(IsPlain)
        && Endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
