using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ControlNet.ML.Weights;

/// <summary>
/// Writes safetensors files. The same tensors give the same bytes, regardless of their order; every tensor starts at a multiple of its
/// element size; and the file appears under its name only when it is complete.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file under a temporary name and renames it.</summary>
    /// <param name="path">The file; an existing one is replaced. Its folder must exist.</param>
    /// <param name="tensors">The tensors, with unique names. Their contents are requested one after another.</param>
    /// <param name="metadata">
    /// Entries for the header's metadata, or null. Python's readers expect <c>format</c> = <c>pt</c>, which is added if there is no format.
    /// </param>
    /// <param name="cancellation">Checked between two tensors; after a cancellation the file is unchanged.</param>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException">
    /// A name appears twice, or a tensor's callback wrote a number of bytes that does not match its shape.
    /// </exception>
    public static void Write(
        string path,
        IEnumerable<TensorContent> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);

        // The reference writer's order: by descending element size, which aligns everything, then by name.
        var ordered = tensors.OrderByDescending(tensor => tensor.Type.Size()).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)
            .ToList();
        var header = Header(ordered, metadata ?? new Dictionary<string, string>());
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var tensor in ordered)
            {
                cancellation.ThrowIfCancellationRequested();
                var end = stream.Position + tensor.ByteLength;
                tensor.Write(stream);
                if (stream.Position != end)
                    throw new ArgumentException(
                        $"{Message.Name(tensor.Name)} needs {tensor.ByteLength:N0} bytes, "
                            + $"{tensor.ByteLength + stream.Position - end:N0} were written.",
                        nameof(tensors));
            }
        });
    }

    private static byte[] Header(List<TensorContent> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        BinaryPrimitives.WriteUInt64LittleEndian(buffer.GetSpan(8), 0);
        buffer.Advance(8);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            var offset = 0L;
            var names = new HashSet<string>();
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"{Message.Name(tensor.Name)} appears twice.", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.FormatName());
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset = checked(offset + tensor.ByteLength));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Padded with spaces to a multiple of 8, which aligns the data and so every tensor.
        var padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(8)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        var header = buffer.WrittenSpan.ToArray();
        if (header.Length - 8 > SafetensorsHeader.LongestHeader)
            throw new ArgumentException(
                $"The header has {header.Length - 8:N0} bytes, the format's limit is {SafetensorsHeader.LongestHeader:N0}.",
                nameof(tensors));
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)header.Length - 8);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };
        foreach (var (key, value) in metadata)
        {
            if (!TensorContent.IsUnicode(key) || !TensorContent.IsUnicode(value))
                throw new ArgumentException($"The metadata {Message.Name(key)} is not valid Unicode.", nameof(metadata));
            texts[key] = value;
        }

        json.WriteStartObject("__metadata__");
        foreach (var (key, value) in texts)
            json.WriteString(key, value);
        json.WriteEndObject();
    }
}
