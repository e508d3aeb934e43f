using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Components;

/// <summary>
/// Writes a component's entries into a saved model. Each entry is the length of its content (8 bytes, little-endian), the content, and the
/// content's SHA-256, so that reading detects and reports damage.
/// </summary>
/// <param name="entry">Creates an entry with a name and passes its stream to the callback.</param>
internal sealed class ModelWriter(Action<string, Action<Stream>> entry)
{
    /// <summary>
    /// How settings are written. The reader refuses unknown settings, such as a later version's, rather than dropping them.
    /// </summary>
    public static JsonSerializerOptions JsonOptions { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters =
        {
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
            new SchedulerConfigConverter(),
        },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Writes settings.</summary>
    public void Json<T>(string name, T value) => Bytes(name, JsonSerializer.SerializeToUtf8Bytes(value, JsonOptions));

    /// <summary>Writes bytes.</summary>
    public void Bytes(string name, ReadOnlyMemory<byte> content) => entry(name, stream =>
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, content.Length);
        stream.Write(length);
        stream.Write(content.Span);
        stream.Write(SHA256.HashData(content.Span));
    });
}
