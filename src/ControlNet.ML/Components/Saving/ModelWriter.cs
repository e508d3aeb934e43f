using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Components;

/// <summary>
/// Writes a component's entries into a saved model. Each is the length of its content (8 bytes, little-endian), the content, and the
/// content's SHA-256, so that damage is found and named when it is read.
/// </summary>
/// <param name="entry">Makes an entry of a name and lets it be written.</param>
internal sealed class ModelWriter(Action<string, Action<Stream>> entry)
{
    /// <summary>How settings are written. What the reader does not know, a later version's setting, is refused rather than forgotten.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false), new SchedulerConfigConverter() },
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
