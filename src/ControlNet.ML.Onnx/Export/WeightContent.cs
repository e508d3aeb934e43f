using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Writes the numbers of a weight as a graph stores them, piece by piece from the mapped file: only a matrix that is transposed is in
/// memory as a whole.
/// </summary>
internal static class WeightContent
{
    private const int PieceLength = 1 << 18;
    private const float LargestInt8 = 127;

    /// <summary>Writes a weight.</summary>
    /// <param name="weight">How it is stored.</param>
    /// <param name="tensor">The parameter in the checkpoint.</param>
    /// <param name="target">The destination.</param>
    public static void Write(GraphWeight weight, WeightTensor tensor, Stream target)
    {
        var rows = tensor.Shape.Length == 0 ? 1 : tensor.Shape[0];
        switch (weight.Form)
        {
            case WeightForm.Scale:
                target.Write(MemoryMarshal.AsBytes(Scales(tensor, rows).AsSpan()));
                break;
            case WeightForm.Int8 when weight.IsTransposed:
                WriteTransposed(target, Quantized(tensor, rows), rows);
                break;
            case WeightForm.Int8:
                EachRow(tensor, rows, (_, row) => target.Write(MemoryMarshal.AsBytes(Quantize(row).AsSpan())));
                break;
            case WeightForm.Half when weight.IsTransposed:
                WriteTransposed<Half>(target, Whole<Half>(tensor, TensorType.F16), rows);
                break;
            case WeightForm.Single when weight.IsTransposed:
                WriteTransposed<float>(target, Whole<float>(tensor, TensorType.F32), rows);
                break;
            default:
                WritePieces(target, tensor, weight.Form == WeightForm.Half ? TensorType.F16 : TensorType.F32);
                break;
        }
    }

    private static void WritePieces(Stream target, WeightTensor tensor, TensorType type)
    {
        var piece = new byte[Math.Min(PieceLength, tensor.Count) * type.Size()];
        for (var done = 0L; done < tensor.Count; done += PieceLength)
        {
            var part = piece.AsSpan(0, (int)Math.Min(PieceLength, tensor.Count - done) * type.Size());
            tensor.CopyTo(done, type, part);
            target.Write(part);
        }
    }

    private static T[] Whole<T>(WeightTensor tensor, TensorType type)
        where T : unmanaged
    {
        var values = new T[tensor.Count];
        tensor.CopyTo(0, type, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Writes [rows, columns] as [columns, rows], a block of columns at a time, for the sake of the caches.</summary>
    private static void WriteTransposed<T>(Stream target, T[] values, long rows)
        where T : unmanaged
    {
        const int block = 64;
        var (height, width) = ((int)rows, (int)(values.Length / rows));
        var transposed = new T[Math.Min(block, width) * height];
        for (var first = 0; first < width; first += block)
        {
            var columns = Math.Min(block, width - first);
            for (var row = 0; row < height; row++)
            {
                for (var column = 0; column < columns; column++)
                    transposed[(column * height) + row] = values[(row * width) + first + column];
            }

            target.Write(MemoryMarshal.AsBytes(transposed.AsSpan(0, columns * height)));
        }
    }

    /// <summary>The factor of each output channel: its largest magnitude is 127.</summary>
    private static float[] Scales(WeightTensor tensor, long rows)
    {
        var scales = new float[rows];
        EachRow(tensor, rows, (row, values) => scales[row] = Scale(values));
        return scales;
    }

    private static sbyte[] Quantized(WeightTensor tensor, long rows)
    {
        var quantized = new sbyte[tensor.Count];
        EachRow(tensor, rows, (row, values) => Quantize(values).CopyTo(quantized, row * values.Length));
        return quantized;
    }

    private static float Scale(ReadOnlySpan<float> row)
    {
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(row));
        return largest > 0 ? largest / LargestInt8 : 1;
    }

    private static sbyte[] Quantize(ReadOnlySpan<float> row)
    {
        var scale = Scale(row);
        var quantized = new sbyte[row.Length];
        for (var i = 0; i < row.Length; i++)
            quantized[i] = (sbyte)Math.Clamp(MathF.Round(row[i] / scale), -LargestInt8, LargestInt8);
        return quantized;
    }

    private static void EachRow(WeightTensor tensor, long rows, RowAction action)
    {
        var row = new float[tensor.Count / rows];
        for (var i = 0; i < rows; i++)
        {
            tensor.CopyTo((long)i * row.Length, row.AsSpan());
            action(i, row);
        }
    }

    private delegate void RowAction(int index, ReadOnlySpan<float> values);
}
