namespace ControlNet.ML.Onnx;

/// <summary>Divides rows into the batches that a graph takes.</summary>
internal static class RowBatches
{
    /// <summary>The batches.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="size">The number of rows that the graph always takes; null for any number.</param>
    /// <returns>The rows of each batch; the last batch repeats its last row if it would have too few.</returns>
    public static IEnumerable<int[]> Of(int rows, int? size)
    {
        if (size is not { } count)
        {
            if (rows > 0)
                yield return [.. Enumerable.Range(0, rows)];
            yield break;
        }

        for (var first = 0; first < rows; first += count)
            yield return [.. Enumerable.Range(first, count).Select(row => Math.Min(row, rows - 1))];
    }
}
