using System.Numerics;
using System.Text.Json;
using System.Text.Unicode;

namespace ControlNet.ML.Weights;

/// <summary>
/// The JSON header of a safetensors file, read in one pass and not trusted: every name, type, shape and range is checked before it is kept.
/// </summary>
/// <remarks>
/// The format (huggingface/safetensors, "Format"): 8 bytes header length, little-endian; the header, an object that begins with '{' and may
/// be padded with spaces; the data, which the tensors cover without gap or overlap.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The maximum header length, 100,000,000 bytes, as in the reference implementation.</summary>
    public const int LongestHeader = 100_000_000;

    /// <summary>Far above any weight's rank (5), and small enough for messages and arithmetic.</summary>
    public const int HighestRank = 32;

    private readonly string _file;
    private readonly long _start;
    private readonly long _length;
    private readonly Dictionary<string, TensorEntry> _entries = [];
    private Dictionary<string, string>? _metadata;

    private SafetensorsHeader(string file, long start, long length) => (_file, _start, _length) = (file, start, length);

    public IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata ??= [];

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header's bytes.</param>
    /// <param name="start">The number of data bytes in the file.</param>
    /// <param name="length">How many bytes of data the file has.</param>
    /// <param name="file">The file's name for messages.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long start, long length, string file)
    {
        var header = new SafetensorsHeader(file, start, length);
        if (!Utf8.IsValid(json))
            throw header.Error("its header is not UTF-8");
        if (json.IsEmpty || json[0] != '{')
            throw header.Error("its header is not a JSON object, expected '{' at its start");
        try
        {
            header.Read(json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an unpaired surrogate in a name.
            throw new ControlNetException($"{file}: its header is not valid JSON: {error.Message}", error);
        }

        header.CheckCoverage();
        return header;
    }

    private void Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        while (ReadProperty(ref reader) is { } name)
        {
            if (name == "__metadata__")
                ReadMetadata(ref reader);
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name)))
                throw Error($"tensor {Message.Name(name)} appears twice in its header");
        }

        // After the object, the reader allows only white space.
        reader.Read();
    }

    /// <summary>The next property's name, with the reader on its value; null at the end of the object.</summary>
    private static string? ReadProperty(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.PropertyName)
            return null;
        var name = reader.GetString()!;
        reader.Read();
        return name;
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_metadata is not null)
            throw Error("'__metadata__' appears twice in its header");
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Error("'__metadata__' is not an object, expected strings by name");
        _metadata = [];
        while (ReadProperty(ref reader) is { } name)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw Error($"metadata {Message.Name(name)} is not a string");
            if (!_metadata.TryAdd(name, reader.GetString()!))
                throw Error($"metadata {Message.Name(name)} appears twice");
        }
    }

    private TensorEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Error($"tensor {Message.Name(name)} is not an object, expected dtype, shape and data_offsets");
        TensorType? type = null;
        long[]? shape = null, offsets = null;
        while (ReadProperty(ref reader) is { } field)
        {
            switch (field)
            {
                case "dtype" when type is null: type = ReadType(ref reader, name); break;
                case "shape" when shape is null: shape = ReadNumbers(ref reader, name, field, HighestRank); break;
                case "data_offsets" when offsets is null: offsets = ReadNumbers(ref reader, name, field, 2); break;
                case "dtype" or "shape" or "data_offsets": throw Error($"tensor {Message.Name(name)} has {field} twice");
                default: reader.Skip(); break;
            }
        }

        if (type is null || shape is null || offsets is not { Length: 2 })
            throw Error(
                $"tensor {Message.Name(name)} lacks {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets of two numbers")}");
        return Check(name, type.Value, shape, offsets[0], offsets[1]);
    }

    private TensorType ReadType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw Error($"the dtype of tensor {Message.Name(name)} is not a string");
        var text = reader.GetString()!;
        return TensorTypes.TryParse(text, out var type)
            ? type
            : throw Error($"tensor {Message.Name(name)} has the dtype {Message.Name(text)}, expected one of {TensorTypes.Known}");
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string name, string field, int most)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Error($"{field} of tensor {Message.Name(name)} is not a list of numbers");
        var numbers = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw Error($"{field} of tensor {Message.Name(name)} contains something other than whole numbers from 0 to 2^63-1");
            if (numbers.Count == most)
                throw Error($"{field} of tensor {Message.Name(name)} has more than {most} numbers");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private TensorEntry Check(string name, TensorType type, long[] shape, long begin, long end)
    {
        var bytes = new BigInteger(type.Size());
        foreach (var size in shape)
            bytes *= size;
        if (begin > end || end > _length)
            throw Error(
                $"tensor {Message.Name(name)} has the range {begin} to {end}, but the file has {_length} bytes of data (is it truncated?)");
        if (bytes != end - begin)
            throw Error(
                $"tensor {Message.Name(name)} of shape {Message.Shape(shape)} and type {type.FormatName()} needs {bytes} bytes, "
                    + $"its range has {end - begin}");
        return new TensorEntry(name, type, shape, _start + begin, end - begin, (end - begin) / type.Size());
    }

    /// <summary>Sorted by offset, each tensor must begin where the previous one ends.</summary>
    private void CheckCoverage()
    {
        var end = _start;
        string? before = null;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.ByteLength))
        {
            if (entry.Offset < end)
                throw Error($"tensors {Message.Name(before!)} and {Message.Name(entry.Name)} overlap");
            if (entry.Offset > end)
                throw Error($"bytes {end - _start} to {entry.Offset - _start} of the data belong to no tensor");
            (end, before) = (entry.Offset + entry.ByteLength, entry.Name);
        }

        if (end != _start + _length)
            throw Error($"{_start + _length - end} bytes follow the last tensor, expected none");
    }

    private ControlNetException Error(string what) => new($"{_file}: {what}.");
}
