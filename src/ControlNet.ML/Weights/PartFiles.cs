using System.Text.RegularExpressions;

namespace ControlNet.ML.Weights;

/// <summary>
/// Finds the weight files of one part of a model folder: <c>NAME.safetensors</c>, a variant <c>NAME.fp16.safetensors</c>, or shards with
/// their index, whose variant is at the end: <c>NAME.safetensors.index.fp16.json</c>.
/// </summary>
internal sealed partial class PartFiles
{
    private PartFiles(string? variant, string? single, string? index) => (Variant, Single, Index) = (variant, single, index);

    /// <summary>The variant's tag, or null for the plain files.</summary>
    public string? Variant { get; }

    /// <summary>The path of the single file, or null if there are shards.</summary>
    public string? Single { get; }

    /// <summary>The path of the shards' index, or null if there is a single file.</summary>
    public string? Index { get; }

    /// <summary>
    /// Chooses a part's files: the requested variant if the part has it, else the plain files, else another variant (float16 first if there
    /// are several).
    /// </summary>
    /// <returns>Null if there are no safetensors at all; <see cref="Absence"/> then says what there is instead.</returns>
    public static PartFiles? Find(string folder, NetworkKind kind, string? variant)
    {
        var found = All(folder, kind);
        return found.Find(files => variant is not null && files.Variant == variant)
            ?? found.Find(files => files.Variant is null)
            ?? found.Find(files => files.Variant == "fp16")
            ?? found.FirstOrDefault();
    }

    /// <summary>Why <see cref="Find"/> found nothing, to be appended to the folder's name in a message.</summary>
    public static string Absence(string folder, NetworkKind kind)
    {
        if (!Directory.Exists(folder))
            return "the folder is missing";
        var pickle = Directory.EnumerateFiles(folder).Select(Path.GetFileName).FirstOrDefault(name => PickleEnding().IsMatch(name!));
        if (pickle is not null)
            return $"has its weights in {Message.Name(pickle)}, a pickle: {ForeignFile.HowToConvert}";
        return Directory.EnumerateFiles(folder, "*-of-*.safetensors").Any()
            ? $"has shards but not their index '{kind.FileName()}.safetensors.index.json'"
            : $"'{kind.FileName()}.safetensors' is missing";
    }

    /// <summary>The variants of a part, excluding the plain files.</summary>
    public static IEnumerable<string> Variants(string folder, NetworkKind kind) =>
        All(folder, kind).Select(files => files.Variant).OfType<string>();

    /// <summary>All weight files of a part, a single file before an index if both exist.</summary>
    private static List<PartFiles> All(string folder, NetworkKind kind)
    {
        if (!Directory.Exists(folder))
            return [];
        var files = new List<PartFiles>();
        foreach (var path in Directory.EnumerateFiles(folder, kind.FileName() + ".*").Order(StringComparer.Ordinal))
        {
            var rest = Path.GetFileName(path)[kind.FileName().Length..];
            if (SingleEnding().Match(rest) is { Success: true } single)
                files.Add(new PartFiles(Tag(single), path, null));
            else if (IndexEnding().Match(rest) is { Success: true } index)
                files.Add(new PartFiles(Tag(index), null, path));
        }

        return [.. files.OrderBy(found => found.Single is null)];
    }

    private static string? Tag(Match match) => match.Groups["tag"] is { Success: true } tag ? tag.Value : null;

    [GeneratedRegex(@"^(\.(?<tag>(?!.*-\d+-of-\d+\.)[^.]+))?\.safetensors$")]
    private static partial Regex SingleEnding();

    [GeneratedRegex(@"^\.safetensors\.index(\.(?<tag>[^.]+))?\.json$")]
    private static partial Regex IndexEnding();

    [GeneratedRegex(@"\.(bin|pth|pt|ckpt)$", RegexOptions.IgnoreCase)]
    private static partial Regex PickleEnding();
}
