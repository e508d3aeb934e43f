using System.IO.Compression;
using System.Text;
using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary>The emoji that scenes are made of: a split of emoji-128.zip, images with alpha and a line of metadata each.</summary>
internal sealed class EmojiArt : IDisposable
{
    /// <summary>The style that the embedded model was mostly trained on.</summary>
    public const string BaseStyle = "fluent 3d emoji";
    private const long LargestImage = 1 << 20;
    private const long LargestMetadata = 64 << 20;
    private readonly ZipArchive _archive;
    private readonly string _split;
    private readonly ImageBuffer?[] _images;
    private readonly Lock _gate = new();

    private EmojiArt(ZipArchive archive, string split, IReadOnlyList<EmojiRow> rows)
    {
        (_archive, _split, Rows) = (archive, split, rows);
        _images = new ImageBuffer?[rows.Count];
        Styles = rows.Select((row, i) => (row.Style, i)).GroupBy(entry => entry.Style).ToDictionary(group => group.Key, group => group.Select(entry => entry.i).ToArray());
    }

    /// <summary>A row per image.</summary>
    public IReadOnlyList<EmojiRow> Rows { get; }

    /// <summary>The rows of each style.</summary>
    public IReadOnlyDictionary<string, int[]> Styles { get; }

    /// <summary>The rows that the base model should be able to generate, fluent 3d of its subgroups.</summary>
    /// <exception cref="ControlNetException">There are none.</exception>
    public IReadOnlyList<int> BaseRows => Enumerable.Range(0, Rows.Count).Where(i => Rows[i] is { Style: BaseStyle, IsBaseSubgroup: true }).ToArray() is { Length: > 0 } rows
        ? rows
        : throw new ControlNetException($"The split '{_split}' has no {BaseStyle} of the base model's subgroups.");

    /// <summary>Opens a split.</summary>
    /// <param name="path">emoji-128.zip.</param>
    /// <param name="split"><c>train</c> or <c>eval</c>.</param>
    /// <exception cref="ControlNetException">The file does not exist or is invalid.</exception>
    public static EmojiArt Open(string path, string split)
    {
        if (!File.Exists(path))
            throw new ControlNetException($"{path}: does not exist, expected emoji-128.zip.");
        ZipArchive archive;
        try
        {
            archive = ZipFile.OpenRead(path);
        }
        catch (InvalidDataException error)
        {
            throw new ControlNetException($"{path}: is not a zip file: {error.Message}", error);
        }

        try
        {
            var metadata = Encoding.UTF8.GetString(Read(archive, $"{split}/metadata.jsonl", LargestMetadata, path));
            var rows = metadata.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((line, i) => EmojiRow.Parse(line, $"{path}: {split}/metadata.jsonl line {i + 1}")).ToList();
            return new EmojiArt(archive, split, rows);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>The image of a row, with alpha. Thread-safe.</summary>
    public ImageBuffer Image(int row)
    {
        lock (_gate)
        {
            if (_images[row] is { } known)
                return known;
            var name = $"{_split}/{Rows[row].FileName}";
            var image = ImageCodec.Decode(Read(_archive, name, LargestImage, "the zip file"), name);
            return _images[row] = image.Channels == 4 ? image : WithAlpha(image);
        }
    }

    public void Dispose() => _archive.Dispose();

    private static byte[] Read(ZipArchive archive, string name, long maxBytes, string where)
    {
        var entry = archive.GetEntry(name) ?? throw new ControlNetException($"{where}: has no {name}.");
        if (entry.Length > maxBytes)
            throw new ControlNetException($"{where}: {name} has {entry.Length:N0} bytes, expected at most {maxBytes:N0}.");
        using var stream = entry.Open();
        var bytes = new byte[entry.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static ImageBuffer WithAlpha(ImageBuffer opaque)
    {
        var rgb = Color.Hwc3(opaque);
        var result = new ImageBuffer(rgb.Width, rgb.Height, 4);
        for (int s = 0, t = 0; s < rgb.Samples.Length; s += 3, t += 4)
        {
            rgb.Samples.AsSpan(s, 3).CopyTo(result.Samples.AsSpan(t));
            result.Samples[t + 3] = byte.MaxValue;
        }

        return result;
    }
}

/// <summary>Metadata of an image.</summary>
/// <param name="FileName">File name in the split.</param>
/// <param name="Name">What it shows, <c>grinning face</c>.</param>
/// <param name="Style">Art style, <c>fluent 3d emoji</c>.</param>
/// <param name="Keywords">Other words for it.</param>
/// <param name="Subgroup">Unicode subgroup, <c>face-smiling</c>.</param>
internal sealed record EmojiRow(string FileName, string Name, string Style, string[] Keywords, string Subgroup)
{
    /// <summary>Whether it is of a subgroup that the embedded model was mostly trained on.</summary>
    public bool IsBaseSubgroup =>
        Subgroup is "food-fruit" or "food-vegetable" or "food-prepared" or "food-sweet" or "drink" or "cat-face" or "monkey-face" or "plant-flower" or "sport"
        || Subgroup.StartsWith("animal-", StringComparison.Ordinal) || Subgroup.StartsWith("transport-", StringComparison.Ordinal);

    /// <summary>The caption of a plain scene.</summary>
    public string Caption => $"{Name}, {Style}";

    /// <summary>Whether the art has colors.</summary>
    public bool IsColored => Style != "black and white line icon";

    /// <summary>Reads a line.</summary>
    public static EmojiRow Parse(string line, string where)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            return new EmojiRow(Text("file_name"), Text("name"), Text("style"), [.. root.GetProperty("keywords").EnumerateArray().Select(word => word.GetString()!)], Text("subgroup"));

            string Text(string name) => root.GetProperty(name).GetString() ?? throw new KeyNotFoundException(name);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ControlNetException($"{where}: is invalid: {error.Message}", error);
        }
    }
}
