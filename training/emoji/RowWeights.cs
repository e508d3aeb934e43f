namespace ControlNet.ML.EmojiTraining;

/// <summary>Sampling weights of the images: mostly those that the base model generates, and others for more variety of edges.</summary>
internal sealed class RowWeights
{
    private readonly double[] _sums;

    /// <param name="rows">The rows.</param>
    /// <remarks>Fluent 3d has weight 1, Noto 0.2, times 0.25 outside the base model's subgroups.</remarks>
    public RowWeights(IReadOnlyList<EmojiRow> rows)
    {
        _sums = new double[rows.Count];
        var sum = 0.0;
        for (var i = 0; i < rows.Count; i++)
        {
            var style = rows[i].Style switch { EmojiArt.BaseStyle => 1, "noto emoji" => 0.2, _ => 0 };
            _sums[i] = sum += style * (rows[i].IsBaseSubgroup ? 1 : 0.25);
        }

        if (sum == 0)
            throw new ControlNetException("No image of the split is a fluent 3d or Noto emoji.");
    }

    /// <summary>Maps a uniform number to a row.</summary>
    /// <param name="uniform">0 to below 1.</param>
    public int Draw(double uniform)
    {
        var at = Array.BinarySearch(_sums, uniform * _sums[^1]);

        // Rows of weight 0 share the sum of the row before: the first row above the number is drawn.
        at = at < 0 ? ~at : at + 1;
        return Math.Min(at, _sums.Length - 1);
    }
}
