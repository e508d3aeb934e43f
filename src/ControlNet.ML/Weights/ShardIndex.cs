using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The index of weights that are split over several files: which tensor is in which file. The file names are untrusted, so only plain names
/// of files next to the index are followed.
/// </summary>
internal static class ShardIndex
{
    /// <summary>Reads an index.</summary>
    /// <param name="path">The index.</param>
    /// <param name="source">Its name for messages.</param>
    /// <returns>The shards' full paths and the tensors of each.</returns>
    public static IReadOnlyDictionary<string, HashSet<string>> Read(string path, string source)
    {
        var shards = Shards(path, source);
        var missing = shards.Keys.Where(shard => !File.Exists(shard)).Select(shard => Message.Name(Path.GetFileName(shard))).ToList();
        return missing.Count == 0
            ? shards
            : throw new ControlNetException(
                $"{source}: of its {shards.Count} files these are missing: {Message.List(missing)}. Is the download complete?");
    }

    /// <summary>Reads an index whose shards need not be there yet.</summary>
    /// <param name="path">The index.</param>
    /// <param name="source">Its name for messages.</param>
    /// <returns>The names of the shards.</returns>
    public static IReadOnlyList<string> Names(string path, string source) =>
        [.. Shards(path, source).Keys.Select(shard => Path.GetFileName(shard))];

    private static SortedDictionary<string, HashSet<string>> Shards(string path, string source)
    {
        var root = JsonText.ReadObject(path, source);
        if (!root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new ControlNetException($"{source}: has no 'weight_map', expected an object from tensor names to file names.");

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var ending = Path.GetFileName(path).Contains(".bin.index", StringComparison.Ordinal) ? ".bin" : ".safetensors";
        var shards = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var property in map.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw new ControlNetException(
                    $"{source}: the file of {Message.Name(property.Name)} is {JsonText.Describe(property.Value)}, expected a string.");
            var name = property.Value.GetString()!;
            if (!PlainFileName.IsPlain(name) || !name.EndsWith(ending, StringComparison.Ordinal))
                throw new ControlNetException(
                    $"{source}: {Message.Name(name)} is not the name of a weight file, "
                        + $"expected the plain name of a {ending} file next to the index.");
            if (!shards.TryGetValue(Path.Combine(folder, name), out var tensors))
                shards.Add(Path.Combine(folder, name), tensors = []);
            tensors.Add(property.Name);
        }

        if (shards.Count == 0)
            throw new ControlNetException($"{source}: its 'weight_map' is empty, expected tensors.");
        return shards;
    }
}
