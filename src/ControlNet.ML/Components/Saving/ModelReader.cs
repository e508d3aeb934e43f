using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace ControlNet.ML.Components;

/// <summary>
/// Reads the entries that <see cref="ModelWriter"/> wrote. A model may be untrusted: any problem with an entry is an error that names it,
/// and an entry is never read beyond its limit, whatever length it claims.
/// </summary>
/// <param name="place">The path of the component's entries in the model.</param>
/// <param name="entry">Opens an entry, passes its stream to the callback, and returns whether the entry exists.</param>
internal sealed class ModelReader(string place, Func<string, Action<Stream>, bool> entry)
{
    private const int LongestSettings = 4 << 20;
    private const string Beginning = "The model's entry ";

    /// <summary>Reads settings.</summary>
    /// <exception cref="ControlNetException">
    /// The entry is missing or damaged, or contains settings that this version does not know.
    /// </exception>
    public T Json<T>(string name)
    {
        var bytes = Bytes(name, LongestSettings);
        try
        {
            RequireItems(bytes);
            return JsonSerializer.Deserialize<T>(bytes, ModelWriter.JsonOptions) ?? throw new JsonException("it is null");
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or InvalidOperationException or ArgumentException
            or FormatException)
        {
            throw new ControlNetException($"{Named(name)} cannot be read: {error.Message} Was it written by a later version?", error);
        }
    }

    /// <summary>Reads bytes.</summary>
    /// <param name="name">The entry.</param>
    /// <param name="most">The maximum number of bytes.</param>
    /// <exception cref="ControlNetException">The entry is missing, damaged or too long.</exception>
    public byte[] Bytes(string name, int most)
    {
        byte[] content = [];
        bool found;
        try
        {
            found = entry(name, stream => content = Checked(stream, most));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new ControlNetException($"{Named(name)} is damaged: {error.Message}", error);
        }

        return found ? content : throw new ControlNetException($"{Named(name)} is missing.");
    }

    /// <summary>
    /// Makes any failure to load a component one exception, which names an entry and has no inner exception, as ML.NET wraps it in others.
    /// </summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="name">The entry that caused it, unless the error already names one.</param>
    public ControlNetException Refusal(Exception error, string name) => new(
        error is ControlNetException && error.Message.StartsWith(Beginning, StringComparison.Ordinal)
            ? error.Message
            : $"{Named(name)} cannot be used: {error.Message}");

    private static byte[] Checked(Stream stream, int most)
    {
        Span<byte> head = stackalloc byte[sizeof(long)];
        stream.ReadExactly(head);
        var length = BinaryPrimitives.ReadInt64LittleEndian(head);
        if (length < 0 || length > most)
            throw new InvalidDataException($"it claims {length:N0} bytes, expected at most {most:N0}.");
        var content = new byte[length];
        stream.ReadExactly(content);
        Span<byte> sum = stackalloc byte[SHA256.HashSizeInBytes];
        stream.ReadExactly(sum);
        if (stream.ReadByte() >= 0)
            throw new InvalidDataException($"it has more than the {length:N0} bytes that it claims.");
        return SHA256.HashData(content).AsSpan().SequenceEqual(sum)
            ? content
            : throw new InvalidDataException("its checksum does not match.");
    }

    /// <summary>Refuses lists that contain null, which nullable annotations of element types do not catch.</summary>
    private static void RequireItems(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        var lists = new Stack<bool>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray or JsonTokenType.StartObject:
                    lists.Push(reader.TokenType == JsonTokenType.StartArray);
                    break;
                case JsonTokenType.EndArray or JsonTokenType.EndObject:
                    lists.Pop();
                    break;
                case JsonTokenType.Null when lists.TryPeek(out var isList) && isList:
                    throw new JsonException("A list contains null.");
            }
        }
    }

    private string Named(string name) => $"{Beginning}'{place}{name}'";
}
