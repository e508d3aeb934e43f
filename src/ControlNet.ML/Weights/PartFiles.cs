using System.Text.RegularExpressions;

namespace ControlNet.ML.Weights;

/// <summary>
/// Finds the weight files of one part of a model folder: <c>NAME.safetensors</c>, a variant <c>NAME.fp16.safetensors</c>, or shards with
/// their index, whose variant is at the end: <c>NAME.safetensors.index.fp16.json</c>; the same in torch's format, <c>.bin</c>.
/// </summary>
internal sealed partial class PartFiles
{
    private const string Pickle = "bin";

    private PartFiles(string? variant, string? single, string? index, bool isPickle) =>
        (Variant, Single, Index, IsPickle) = (variant, single, index, isPickle);

    /// <summary>The variant's tag, or null for the plain files.</summary>
    public string? Variant { get; }

    /// <summary>The path of the single file, or null if there are shards.</summary>
    public string? Single { get; }

    /// <summary>The path of the shards' index, or null if there is a single file.</summary>
    public string? Index { get; }

    /// <summary>Whether the files are in torch's format rather than safetensors.</summary>
    public bool IsPickle { get; }

    /// <summary>
    /// Chooses a part's files: the requested variant if the part has it, else the plain files, else another variant (float16 first if there
    /// are several); safetensors before torch's format.
    /// </summary>
    /// <returns>
    /// Null if there are no weights at all; <see cref="Absence(string, NetworkKind)"/> then says what there is instead.
    /// </returns>
    public static PartFiles? Find(string folder, NetworkKind kind, string? variant) => Among(FilesIn(folder), kind, variant);

    /// <summary>Chooses a part's files among paths that need not be on this disk.</summary>
    /// <returns>Null if there are no weights at all.</returns>
    public static PartFiles? Among(IEnumerable<string> paths, NetworkKind kind, string? variant)
    {
        var found = All(paths, kind);
        return found.Find(files => variant is not null && files.Variant == variant)
            ?? found.Find(files => files.Variant is null)
            ?? found.Find(files => files.Variant == "fp16")
            ?? found.FirstOrDefault();
    }

    /// <summary>Why <see cref="Find"/> found nothing, to be appended to the folder's name in a message.</summary>
    public static string Absence(string folder, NetworkKind kind) =>
        Directory.Exists(folder) ? Absence(FilesIn(folder), kind) : "the folder is missing";

    /// <summary>Why <see cref="Among"/> found nothing.</summary>
    public static string Absence(IEnumerable<string> paths, NetworkKind kind)
    {
        var names = paths.Select(path => Path.GetFileName(path)).ToList();
        if (names.Exists(
            name => name.Contains("-of-", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal)))
            return $"has shards but not their index '{kind.FileName()}.safetensors.index.json'";
        var other = names.Find(WeightEndings.AreOf);
        return $"'{kind.FileName()}.safetensors' (or '{kind.PickleName()}.{Pickle}') is missing"
            + (other is null ? "" : $"; there is {Message.Name(other)}, which has another name");
    }

    /// <summary>The variants of a part, excluding the plain files.</summary>
    public static IEnumerable<string> Variants(string folder, NetworkKind kind) =>
        All(FilesIn(folder), kind).Select(files => files.Variant).OfType<string>();

    /// <summary>All weight files of a part: safetensors before torch's, and a single file before an index if both exist.</summary>
    private static List<PartFiles> All(IEnumerable<string> paths, NetworkKind kind)
    {
        var files = new List<PartFiles>();
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            var match = FileName().Match(Path.GetFileName(path));
            var isPickle = match.Groups["format"].Value == Pickle;
            if (!match.Success || match.Groups["stem"].Value != (isPickle ? kind.PickleName() : kind.FileName()))
                continue;
            var isIndex = match.Groups["index"].Success;
            files.Add(new PartFiles(Tag(match), isIndex ? null : path, isIndex ? path : null, isPickle));
        }

        return [.. files.OrderBy(found => found.IsPickle).ThenBy(found => found.Single is null)];
    }

    private static IEnumerable<string> FilesIn(string folder) => Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [];

    private static string? Tag(Match match) => match.Groups["tag"] is { Success: true } tag ? tag.Value : null;

    [GeneratedRegex(
        @"^(?<stem>[a-z_]+)((\.(?<tag>(?!.*-\d+-of-\d+\.)[^.]+))?\.(?<format>safetensors|bin)"
            + @"|\.(?<format>safetensors|bin)(?<index>\.index)(\.(?<tag>[^.]+))?\.json)$")]
    private static partial Regex FileName();
}
