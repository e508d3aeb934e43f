using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace ControlNet.ML.Components;

/// <summary>Reads what <see cref="ModelWriter"/> wrote. Whatever is wrong with an entry is an error that names it.</summary>
/// <param name="entry">Opens an entry, lets it be read, and says whether there is one.</param>
internal sealed class ModelReader(Func<string, Action<Stream>, bool> entry)
{
    /// <summary>Reads settings.</summary>
    /// <exception cref="ControlNetException">The entry is missing or damaged, or holds what this version does not know.</exception>
    public T Json<T>(string name)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(Bytes(name), ModelWriter.JsonOptions) ?? throw new JsonException("it is null");
        }
        catch (JsonException error)
        {
            throw new ControlNetException($"The model's entry '{name}' cannot be read: {error.Message} Was it written by a later version?", error);
        }
    }

    /// <summary>Reads bytes.</summary>
    /// <exception cref="ControlNetException">The entry is missing or damaged.</exception>
    public byte[] Bytes(string name)
    {
        byte[] content = [];
        bool found;
        try
        {
            found = entry(name, stream => content = Checked(stream));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new ControlNetException($"The model's entry '{name}' is damaged: {error.Message}", error);
        }

        return found ? content : throw new ControlNetException($"The model's entry '{name}' is missing.");
    }

    private static byte[] Checked(Stream stream)
    {
        // Read first, believe the length afterwards: a damaged one must not make an array of its size.
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        var all = copy.GetBuffer().AsSpan(0, (int)copy.Length);
        var rest = all.Length - sizeof(long) - SHA256.HashSizeInBytes;
        if (rest < 0 || BinaryPrimitives.ReadInt64LittleEndian(all) != rest)
            throw new InvalidDataException($"it has {all.Length:N0} bytes, which is not its length.");
        var content = all.Slice(sizeof(long), rest);
        return SHA256.HashData(content).AsSpan().SequenceEqual(all[^SHA256.HashSizeInBytes..])
            ? content.ToArray()
            : throw new InvalidDataException("its checksum is another.");
    }
}
