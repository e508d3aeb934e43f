using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ControlNet.ML.Configuration;

/// <summary>Parses untrusted JSON: valid, of bounded depth and size, without duplicate names. A byte order mark is allowed.</summary>
internal static class JsonText
{
    /// <summary>Far above the size in bytes of any real configuration or index.</summary>
    internal const int LongestFile = 64 << 20;

    /// <summary>Reads and parses a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="source">Its name for messages.</param>
    public static JsonElement ReadObject(string path, string source) => ParseObject(ReadFile(path, source), source);

    /// <summary>Reads a file whose size is checked first.</summary>
    public static byte[] ReadFile(string path, string source) => RegularFile.ReadAll(path, source, LongestFile, "JSON");

    /// <summary>Parses an object.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    public static JsonElement ParseObject(ReadOnlySpan<byte> json, string source)
    {
        var root = Parse(json, source, "a JSON object");
        return root.ValueKind == JsonValueKind.Object
            ? root
            : throw new ControlNetException($"{source}: holds {Describe(root)}, expected a JSON object.");
    }

    /// <summary>Parses any value; the expectation is only for messages.</summary>
    public static JsonElement Parse(ReadOnlySpan<byte> json, string source, string expected)
    {
        if (json.StartsWith("\uFEFF"u8))
            json = json[3..];
        if (json.IsEmpty)
            throw new ControlNetException($"{source}: the file is empty, expected {expected}.");
        if (ForeignFile.Recognise(json[..Math.Min(json.Length, ForeignFile.StartLength)]) is { } kind)
            throw new ControlNetException($"{source} {kind}.");
        if (!Utf8.IsValid(json))
            throw new ControlNetException($"{source}: the file is not UTF-8, expected {expected} in UTF-8.");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false };
            RequireText(json, source);
            using var document = JsonDocument.Parse(json.ToArray(), options);
            return document.RootElement.Clone();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ControlNetException($"{source}: is not valid JSON: {error.Message}", error);
        }
    }

    /// <summary>
    /// Reads an object that this library wrote: required constructor parameters must be present, and non-nullable ones not null.
    /// </summary>
    /// <param name="json">The bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <param name="options">The options that it was written with.</param>
    /// <exception cref="ControlNetException">It is not such an object.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> json, string source, JsonSerializerOptions options)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, options) ?? throw new JsonException("It is null.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NotSupportedException or ArgumentException)
        {
            throw new ControlNetException($"{source}: does not have the expected format: {error.Message}", error);
        }
    }

    /// <summary>Formats a value for a message, shortened.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "the string " + Shorten(value.GetRawText()),
        JsonValueKind.Array => $"a list of {value.GetArrayLength():N0}",
        JsonValueKind.Object => "an object",
        JsonValueKind.Undefined => "missing",
        _ => Shorten(value.GetRawText()),
    };

    /// <summary>
    /// Refuses names and values that contain an unpaired surrogate, which JSON can escape but no string should contain: reading one later,
    /// System.Text.Json would throw an exception that names neither file nor position.
    /// </summary>
    private static void RequireText(ReadOnlySpan<byte> json, string source)
    {
        if (json.IndexOf("\\u"u8) < 0)
            return;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped)
                continue;
            try
            {
                _ = reader.GetString();
            }
            catch (InvalidOperationException error)
            {
                throw new ControlNetException(
                    $"{source}: the string {Shorten(Encoding.UTF8.GetString(reader.ValueSpan))} contains an unpaired surrogate.", error);
            }
        }
    }

    private static string Shorten(string raw) => raw.Length <= 100 ? raw : raw[..100] + "…";
}
