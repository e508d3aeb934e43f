using System.Buffers;

namespace ControlNet.ML.Weights;

/// <summary>Names of files that come from strangers, in an index or a saved model: what may be followed of them, on every system alike.</summary>
internal static class PlainFileName
{
    private const int Longest = 255, MostParts = 8;
    private static readonly string[] Endings = [".safetensors", ".json", ".txt"];
    private static readonly SearchValues<char> Separators = SearchValues.Create("/\\:*?\"<>|");

    /// <summary>Whether a name is that of a file in the same folder: no separator, drive, stream, device or hidden file.</summary>
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

    /// <summary>Whether a name is that of a file of a model: below its folder, plain names between slashes, with the ending of weights or settings.</summary>
    public static bool IsOfModel(string name) => name.Split('/') is var parts && parts.Length <= MostParts && parts.All(IsPlain)
        && Endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
