using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>One finished row.</summary>
/// <param name="Row">Its number, from 0.</param>
/// <param name="Seed">Seed of its noise, or null if it cannot be parsed.</param>
/// <param name="Seconds">Its share of the time of its batch, in seconds.</param>
/// <param name="Error">The error, or null if the row has an image.</param>
/// <param name="Provenance">How the image was made, or null.</param>
/// <param name="Bytes">Length of the image's file; null in journals of versions that did not record it.</param>
/// <param name="Sha256">The file's SHA-256 in lower-case hexadecimal digits, or null as for <paramref name="Bytes"/>.</param>
internal sealed record JournalEntry(
    long Row, ulong? Seed, double Seconds, string? Error, IReadOnlyDictionary<string, string>? Provenance, long? Bytes = null,
    string? Sha256 = null)
{
    private static readonly JsonSerializerOptions Options = new(Json.Options)
    {
        WriteIndented = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = false,
    };

    /// <summary>The entry as a line of JSON, with its newline.</summary>
    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Options), (byte)'\n'];

    /// <summary>Parses a line without its newline; null if it is not an entry.</summary>
    public static JournalEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<JournalEntry>(line, Options) is { Row: >= 0 } entry
                && (entry.Error is null) != (entry.Provenance is null)
                ? entry
                : null;
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
