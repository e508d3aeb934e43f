using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// Writes float16 tensors as <c>torch.save</c> does: an uncompressed zip archive with a pickle that describes them. Only for measurements:
/// weights are shared as safetensors.
/// </summary>
internal static class TorchSaveWriter
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and shapes, of which each has a storage of its own.</param>
    /// <param name="fill">Writes the bytes of a tensor.</param>
    public static void Write(string path, IReadOnlyList<TensorContent> tensors, Action<Stream, TensorContent> fill)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        using (var stream = zip.CreateEntry("archive/data.pkl", CompressionLevel.NoCompression).Open())
            stream.Write(Pickle(tensors));
        for (var i = 0; i < tensors.Count; i++)
        {
            using var stream = zip.CreateEntry($"archive/data/{i}", CompressionLevel.NoCompression).Open();
            fill(stream, tensors[i]);
        }
    }

    private static byte[] Pickle(IReadOnlyList<TensorContent> tensors)
    {
        var bytes = new List<byte> { 0x80, 2, (byte)'}', (byte)'(' };
        Text("state_dict");
        bytes.AddRange("}("u8);
        for (var i = 0; i < tensors.Count; i++)
        {
            var shape = tensors[i].Shape;
            Text(tensors[i].Name);
            bytes.AddRange("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text("storage");
            bytes.AddRange("ctorch\nHalfStorage\n"u8);
            Text($"{i}");
            Text("cpu");
            Number(tensors[i].ByteLength / 2);
            bytes.AddRange("tQ"u8);
            Number(0);
            Tuple(shape);
            Tuple([.. shape.Select((_, d) => shape[(d + 1)..].Aggregate(1L, (product, size) => product * size))]);
            bytes.Add(0x89);
            bytes.AddRange("ccollections\nOrderedDict\n)RtR"u8);
        }

        bytes.AddRange("uu."u8);
        return [.. bytes];

        void Text(string text)
        {
            bytes.Add((byte)'X');
            Add(Encoding.UTF8.GetByteCount(text));
            bytes.AddRange(Encoding.UTF8.GetBytes(text));
        }

        void Number(long value)
        {
            bytes.Add((byte)'J');
            Add(checked((int)value));
        }

        void Tuple(long[] values)
        {
            bytes.Add((byte)'(');
            foreach (var value in values)
                Number(value);
            bytes.Add((byte)'t');
        }

        void Add(int value)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(four, value);
            bytes.AddRange(four);
        }
    }
}
