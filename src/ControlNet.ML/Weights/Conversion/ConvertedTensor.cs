namespace ControlNet.ML.Weights.Conversion;

/// <summary>Tensors to be written from those that were read, in another element type if asked for.</summary>
internal static class ConvertedTensor
{
    private const int Chunk = 1 << 20;

    /// <summary>One tensor under another name.</summary>
    /// <param name="name">The name to write.</param>
    /// <param name="shape">The shape to write: as many elements.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="type">The element type, or null to keep it.</param>
    /// <param name="written">Receives the number of bytes read.</param>
    public static TensorContent Of(string name, long[] shape, WeightTensor tensor, TensorType? type, Action<long> written) =>
        new(name, type ?? tensor.Type, shape, stream =>
        {
            Write(stream, tensor, type);
            tensor.ReleasePages();
            written(tensor.ByteLength);
        });

    /// <summary>Several tensors of one type, one after the other: OpenCLIP's query, key and value.</summary>
    public static TensorContent Fused(string name, long[] shape, WeightTensor[] tensors, TensorType? type, Action<long> written) =>
        new(name, type ?? tensors[0].Type, shape, stream =>
        {
            foreach (var tensor in tensors)
            {
                Write(stream, tensor, type ?? tensors[0].Type);
                written(tensor.ByteLength);
            }
        });

    /// <summary>A matrix with rows and columns exchanged.</summary>
    public static TensorContent Transposed(string name, WeightTensor tensor, TensorType? type, Action<long> written) =>
        new(name, type ?? tensor.Type, [tensor.Shape[1], tensor.Shape[0]], stream =>
        {
            using var bytes = new MemoryStream();
            Write(bytes, tensor, type);
            var size = (type ?? tensor.Type).Size();
            var (rows, columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
            var source = bytes.GetBuffer();
            var column = new byte[rows * size];
            for (var j = 0; j < columns; j++)
            {
                for (var i = 0; i < rows; i++)
                    source.AsSpan(((i * columns) + j) * size, size).CopyTo(column.AsSpan(i * size));
                stream.Write(column);
            }

            written(tensor.ByteLength);
        });

    private static void Write(Stream stream, WeightTensor tensor, TensorType? type)
    {
        if (type is null || type == tensor.Type)
        {
            tensor.WriteTo(stream);
            return;
        }

        var values = new float[Math.Min(Chunk, tensor.Count)];
        var bytes = new byte[values.Length * type.Value.Size()];
        for (var done = 0L; done < tensor.Count; done += values.Length)
        {
            var part = values.AsSpan(0, (int)Math.Min(values.Length, tensor.Count - done));
            tensor.CopyTo(done, part);
            var converted = bytes.AsSpan(0, part.Length * type.Value.Size());
            TensorConversion.FromSingle(type.Value, part, converted);
            stream.Write(converted);
        }
    }
}
