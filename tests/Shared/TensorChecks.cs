namespace ControlNet.ML.TestSupport;

/// <summary>
/// Compares with rows of a <c>checks</c> tensor of fixtures/beyond, each of which summarises a tensor that is too large to store: sum, sum
/// of absolute values, sum of squares, and the first eight values in memory order.
/// </summary>
public static class TensorChecks
{
    private const int Columns = 11;
    private const int First = 3;

    /// <summary>Compares a tensor with its row.</summary>
    /// <param name="reference">The file.</param>
    /// <param name="name">The name of the <c>checks</c> tensor.</param>
    /// <param name="row">The index of the row.</param>
    /// <param name="actual">The computed tensor.</param>
    /// <param name="tolerance">Tolerance of each value, relative to max(1, largest magnitude).</param>
    public static void Compare(ReferenceTensors reference, string name, int row, ReadOnlySpan<float> actual, double tolerance)
    {
        var expected = reference.Doubles(name).AsSpan(row * Columns, Columns);
        var (sum, magnitudes, squares, largest) = (0.0, 0.0, 0.0, 1.0);
        foreach (double value in actual)
        {
            sum += value;
            magnitudes += Math.Abs(value);
            squares += value * value;
            largest = Math.Max(largest, Math.Abs(value));
        }

        var (each, what) = (tolerance * largest, $"{name} row {row}");
        Close.Number(expected[0], sum, each * actual.Length, $"{what}: sum");
        Close.Number(expected[1], magnitudes, each * actual.Length, $"{what}: sum of absolute values");
        Close.Number(expected[2], squares, 2 * largest * each * actual.Length, $"{what}: sum of squares");
        for (var i = 0; i < Columns - First; i++)
            Close.Number(expected[First + i], i < actual.Length ? actual[i] : 0, each, $"{what}: value {i}");
    }
}
