using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>One finished row.</summary>
/// <param name="Row">Its number, from 0.</param>
/// <param name="Seed">Seed of its noise, or null where that could not be read.</param>
/// <param name="Seconds">Its share of the time that its batch took.</param>
/// <param name="Error">What was wrong with it, or null if its image is there.</param>
/// <param name="Provenance">What the image was made of, or null.</param>
/// <param name="Bytes">Length of the image's file; null in journals of versions that did not say.</param>
/// <param name="Sha256">The file's SHA-256 in lower-case hexadecimal digits, or null as for <paramref name="Bytes"/>.</param>
internal sealed record JournalEntry(
    long Row, ulong? Seed, double Seconds, string? Error, IReadOnlyDictionary<string, string>? Provenance, long? Bytes = null, string? Sha256 = null)
{
    private static readonly JsonSerializerOptions Options = new(Json.Options)
    {
        WriteIndented = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = false,
    };

    /// <summary>As a line, with its end.</summary>
    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Options), (byte)'\n'];

    /// <summary>Reads a line without its end; null if it is none.</summary>
    public static JournalEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<JournalEntry>(line, Options) is { Row: >= 0 } entry && (entry.Error is null) != (entry.Provenance is null) ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The provenance as one line of JSON.</summary>
    [JsonIgnore]
    public string? ProvenanceText => Provenance is null ? null : Pipelines.Provenance.ToJson(Provenance);
}
