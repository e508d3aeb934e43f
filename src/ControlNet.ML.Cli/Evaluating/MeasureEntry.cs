using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The measures of one image: a line of the journal.</summary>
/// <param name="Method">The name of the method; empty for a real image.</param>
/// <param name="Row">The row's number; of a real image in a folder its place in the folder.</param>
/// <param name="Key">The digest of the settings by which it was measured.</param>
/// <param name="File">The image's file, or null if there is none.</param>
/// <param name="Bytes">The file's length; null if it is missing.</param>
/// <param name="Modified">The time of its last change, in ticks; null if it is missing.</param>
internal sealed record MeasureEntry(string Method, long Row, string Key, string? File, long? Bytes, long? Modified)
{
    private static readonly JsonSerializerOptions Options = new(Json.Options)
    {
        WriteIndented = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = false,
    };

    /// <summary>Why it could not be measured; null if it was.</summary>
    public string? Error { get; init; }

    /// <summary>The metrics of this image, by name.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>The confusions of its segmentation maps, by the suffix of the network.</summary>
    public IReadOnlyDictionary<string, ConfusionCells>? Confusions { get; init; }

    /// <summary>Its features: float32, little-endian, in Base64.</summary>
    public string? Features { get; init; }

    /// <summary>The features; empty if there are none.</summary>
    public float[] ReadFeatures() =>
        Features is null ? [] : MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(Features)).ToArray();

    /// <summary>Features as text.</summary>
    public static string WriteFeatures(float[] features) => Convert.ToBase64String(MemoryMarshal.AsBytes(features.AsSpan()));

    /// <summary>The entry as a line of JSON, with its newline.</summary>
    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Options), (byte)'\n'];

    /// <summary>Parses a line without its newline; null if it is not an entry.</summary>
    public static MeasureEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            var entry = JsonSerializer.Deserialize<MeasureEntry>(line, Options);
            return entry is { Method: not null, Key: not null, Row: >= 0, Metrics: not null } ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The pixels of an image's segmentation map, by label and by the class that was found.</summary>
/// <param name="Palette">The name of the palette.</param>
/// <param name="Counts">Label, found class and number of pixels, one after the other.</param>
internal sealed record ConfusionCells(string Palette, IReadOnlyList<long> Counts);
