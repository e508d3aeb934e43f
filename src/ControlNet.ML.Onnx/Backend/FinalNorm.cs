namespace ControlNet.ML.Onnx;

/// <summary>
/// The final layer normalisation of a text encoder, found from its input and output, since a graph gives no weights: each channel is a
/// line, y = weight · x̂ + bias, of which the tokens of any prompt are many points. Stable Diffusion 1 and 2 apply it to earlier layers too
/// (clip skip).
/// </summary>
internal sealed class FinalNorm
{
    private const double Epsilon = 1e-5;
    private readonly double[] _weight, _bias;

    private FinalNorm(double[] weight, double[] bias) => (_weight, _bias) = (weight, bias);

    /// <summary>Finds the normalisation.</summary>
    /// <param name="before">The last layer's hidden states, [1, tokens, width].</param>
    /// <param name="after">The same, normalised.</param>
    /// <param name="title">The graph's name in messages.</param>
    /// <exception cref="ControlNetException">The outputs do not belong to each other.</exception>
    public static FinalNorm Of(TensorData before, TensorData after, string title)
    {
        const double allowed = 1e-3;
        var (tokens, width) = (before.Shape[1], before.Shape[2]);
        var x = Normalised(before);
        var (weight, bias) = (new double[width], new double[width]);
        for (var c = 0; c < width; c++)
        {
            var (sumX, sumY, sumXX, sumXY) = (0.0, 0.0, 0.0, 0.0);
            for (var t = 0; t < tokens; t++)
            {
                var (a, b) = (x[(t * width) + c], (double)after.Values[(t * width) + c]);
                (sumX, sumY, sumXX, sumXY) = (sumX + a, sumY + b, sumXX + (a * a), sumXY + (a * b));
            }

            var spread = sumXX - (sumX * sumX / tokens);
            weight[c] = spread > 0 ? (sumXY - (sumX * sumY / tokens)) / spread : 0;
            bias[c] = (sumY - (weight[c] * sumX)) / tokens;
        }

        var norm = new FinalNorm(weight, bias);
        var (again, largest) = (norm.Apply(before), after.Values.Max(Math.Abs));
        for (var i = 0; i < after.Count; i++)
        {
            if (!(Math.Abs(again.Values[i] - after.Values[i]) <= allowed * Math.Max(1, largest)))
                throw new ControlNetException(
                    $"{title}: its last hidden states are not the last of its hidden states, normalised: expected no clip skip with it.");
        }

        return norm;
    }

    /// <summary>Normalises hidden states.</summary>
    public TensorData Apply(TensorData states)
    {
        var x = Normalised(states);
        var result = TensorData.Zeros(states.Shape);
        for (var i = 0; i < x.Length; i++)
            result.Values[i] = (float)((x[i] * _weight[i % _weight.Length]) + _bias[i % _weight.Length]);
        return result;
    }

    private static double[] Normalised(TensorData states)
    {
        var (width, x) = (states.Shape[2], new double[states.Count]);
        for (var first = 0; first < x.Length; first += width)
        {
            var row = states.Values.AsSpan(first, width);
            var (mean, variance) = (0.0, 0.0);
            foreach (var value in row)
                mean += (double)value / width;
            foreach (var value in row)
                variance += (value - mean) * (value - mean) / width;
            for (var i = 0; i < width; i++)
                x[first + i] = (row[i] - mean) / Math.Sqrt(variance + Epsilon);
        }

        return x;
    }
}
