using System.Text.Json;
using System.Text.Unicode;

namespace ControlNet.ML.Configuration;

/// <summary>JSON from outside: sound, of bounded depth and size, no name twice. A byte order mark is tolerated.</summary>
internal static class JsonText
{
    /// <summary>No configuration or index in the world comes near this many bytes.</summary>
    private const int LongestFile = 64 << 20;

    /// <summary>Reads and parses a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="source">Its name for messages.</param>
    public static JsonElement ReadObject(string path, string source) => ParseObject(ReadFile(path, source), source);

    /// <summary>Reads a file whose size is checked first.</summary>
    public static byte[] ReadFile(string path, string source)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (stream.Length > LongestFile)
                throw new ControlNetException($"{source}: the file has {stream.Length:N0} bytes, expected JSON of at most {LongestFile:N0}.");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{source}: cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Parses an object.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    public static JsonElement ParseObject(ReadOnlySpan<byte> json, string source)
    {
        var root = Parse(json, source, "a JSON object");
        return root.ValueKind == JsonValueKind.Object ? root : throw new ControlNetException($"{source}: holds {Describe(root)}, expected a JSON object.");
    }

    /// <summary>Parses anything; what was expected is only for messages.</summary>
    public static JsonElement Parse(ReadOnlySpan<byte> json, string source, string expected)
    {
        if (json.StartsWith("\uFEFF"u8))
            json = json[3..];
        if (json.IsEmpty)
            throw new ControlNetException($"{source}: the file is empty, expected {expected}.");
        if (ForeignFile.Recognise(json[..Math.Min(json.Length, 64)]) is { } kind)
            throw new ControlNetException($"{source} {kind}.");
        if (!Utf8.IsValid(json))
            throw new ControlNetException($"{source}: the file is not UTF-8, expected {expected} in UTF-8.");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(json.ToArray(), options);
            return document.RootElement.Clone();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ControlNetException($"{source}: is not sound JSON: {error.Message}", error);
        }
    }

    /// <summary>A value as a message shows it, shortened.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "the text " + Shorten(value.GetRawText()),
        JsonValueKind.Array => $"a list of {value.GetArrayLength():N0}",
        JsonValueKind.Object => "an object",
        _ => Shorten(value.GetRawText()),
    };

    /// <summary>A string value; half a surrogate pair, which has no meaning, is no text.</summary>
    public static string Text(JsonElement value, string source)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new ControlNetException($"{source}: the text {Shorten(value.GetRawText())} holds half of a surrogate pair.", error);
        }
    }

    private static string Shorten(string raw) => raw.Length <= 100 ? raw : raw[..100] + "…";
}
