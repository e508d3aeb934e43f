using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// A simple reader of reference tensors, independent of the library's own, so that a fault there cannot hide itself.
/// It converts every element type to double; use it only for the small fixture files.
/// </summary>
public sealed class ReferenceTensors
{
    private readonly byte[] _bytes;
    private readonly Dictionary<string, JsonElement> _entries = [];
    private readonly int _data;

    public ReferenceTensors(string path)
    {
        _bytes = File.ReadAllBytes(path);
        var header = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes));
        _data = 8 + header;
        using var document = JsonDocument.Parse(_bytes.AsMemory(8, header));
        foreach (var entry in document.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                Metadata = entry.Value.EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetString()!);
            else
                _entries[entry.Name] = entry.Value.Clone();
        }
    }

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    public IReadOnlyCollection<string> Names => _entries.Keys;

    public bool Has(string name) => _entries.ContainsKey(name);

    public int[] Shape(string name) => [.. _entries[name].GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];

    public string Type(string name) => _entries[name].GetProperty("dtype").GetString()!;

    public ReadOnlySpan<byte> Bytes(string name)
    {
        var offsets = _entries[name].GetProperty("data_offsets");
        var start = offsets[0].GetInt32();
        return _bytes.AsSpan(_data + start, offsets[1].GetInt32() - start);
    }

    public float[] Floats(string name) => [.. Doubles(name).Select(value => (float)value)];

    public double[] Doubles(string name)
    {
        var bytes = Bytes(name);
        return Type(name) switch
        {
            "F64" => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
            "F32" => Convert<float>(bytes, value => value),
            "F16" => Convert<Half>(bytes, value => (double)value),
            "BF16" => Convert<ushort>(bytes, value => BitConverter.Int32BitsToSingle(value << 16)),
            "I64" => Convert<long>(bytes, value => value),
            "I32" => Convert<int>(bytes, value => value),
            "I16" => Convert<short>(bytes, value => value),
            "U8" or "BOOL" => Convert<byte>(bytes, value => value),
            var other => throw new NotSupportedException($"{name}: element type {other}"),
        };
    }

    private static double[] Convert<T>(ReadOnlySpan<byte> bytes, Func<T, double> toDouble)
        where T : struct
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        var result = new double[values.Length];
        for (var i = 0; i < result.Length; i++)
            result[i] = toDouble(values[i]);
        return result;
    }
}
