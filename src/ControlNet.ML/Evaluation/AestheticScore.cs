using System.Globalization;
using System.Numerics.Tensors;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// The aesthetic score of LAION's predictor (paper, Table 3): linear layers on the normalised CLIP embedding of an image, with nothing
/// between them, so that they are one linear map. The published one takes CLIP ViT-L/14 (768) and answers about 1 to 10.
/// </summary>
public sealed class AestheticScore
{
    private readonly double[] _weight;
    private readonly double _bias;

    private AestheticScore(string name, double[] weight, double bias) => (Name, _weight, _bias) = (name, weight, bias);

    /// <summary>The file's name.</summary>
    public string Name { get; }

    /// <summary>The length of the embedding.</summary>
    public int Dimension => _weight.Length;

    /// <summary>Reads a predictor: safetensors, or what <c>torch.save</c> wrote.</summary>
    /// <param name="path">The file, with <c>layers.0.weight</c>, <c>layers.0.bias</c>, <c>layers.2.weight</c> … or other numbers.</param>
    /// <returns>The predictor.</returns>
    /// <exception cref="ControlNetException">It is missing, invalid, or no predictor.</exception>
    public static AestheticScore Load(string path)
    {
        using var file = TensorFile.Open(path);
        const string weight = ".weight", bias = ".bias";
        var layers = file.Entries.Keys.Where(name => name.EndsWith(weight, StringComparison.Ordinal))
            .Select(name => name[..^weight.Length]).OrderBy(Number).ToList();
        if (layers.Count == 0)
            throw Unfit(file, "no layers");
        double[]? map = null;
        var constant = 0.0;

        // From the last layer to the first: w · (W x + b) + c = (w W) · x + (w · b + c).
        for (var i = layers.Count - 1; i >= 0; i--)
        {
            var entry = file.Entries[layers[i] + weight];
            var outputs = map?.Length ?? 1;
            if (entry.Shape.Length != 2 || entry.Shape[0] != outputs || entry.Shape[1] is < 1 or > 1 << 16
                || !file.Entries.TryGetValue(layers[i] + bias, out var own) || own.Count != outputs)
                throw Unfit(file, $"{Message.Name(entry.Name)} {Message.Shape(entry.Shape)}");
            var (matrix, vector) = (Read(file, entry), Read(file, own));
            map ??= [1];
            constant += TensorPrimitives.Dot<double>(map, vector);
            var inputs = (int)entry.Shape[1];
            var next = new double[inputs];
            for (var output = 0; output < outputs; output++)
                TensorPrimitives.MultiplyAdd(matrix.AsSpan(output * inputs, inputs), map[output], next, next);
            map = next;
        }

        return new AestheticScore(file.Name, map!, constant);
    }

    /// <summary>The score of an image.</summary>
    /// <param name="embedding">Its CLIP embedding; need not be normalised.</param>
    /// <returns>The score.</returns>
    /// <exception cref="ArgumentException">The embedding has another length, or is zero.</exception>
    public double Of(ReadOnlySpan<double> embedding)
    {
        if (embedding.Length != Dimension)
            throw new ArgumentException(
                $"The embedding has {embedding.Length:N0} numbers, {Name} takes {Dimension:N0}: of another CLIP?", nameof(embedding));
        var length = TensorPrimitives.Norm(embedding);
        return length > 0 && double.IsFinite(length)
            ? (TensorPrimitives.Dot(embedding, _weight) / length) + _bias
            : throw new ArgumentException($"The embedding has the length {length}, expected a direction.", nameof(embedding));
    }

    private static double[] Read(TensorFile file, TensorEntry entry)
    {
        var floats = new float[entry.Count];
        if (entry.Type == TensorType.F64)
            return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(file.Bytes(entry.Name)).ToArray();
        file.CopyTo(entry.Name, floats);
        return Array.ConvertAll(floats, value => (double)value);
    }

    private static int Number(string layer) =>
        int.TryParse(layer[(layer.LastIndexOf('.') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static ControlNetException Unfit(TensorFile file, string found) => new(
        $"{file.Name}: has {found}, expected an aesthetic predictor: linear layers 'layers.N.weight' and 'layers.N.bias' that end in one "
            + "number.");
}
