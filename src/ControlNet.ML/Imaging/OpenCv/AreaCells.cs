namespace ControlNet.ML.Imaging;

/// <summary>
/// One axis of <see cref="AreaResize"/>: the source cells that each target cell covers and their shares,
/// in the order in which OpenCV sums them.
/// </summary>
internal sealed class AreaCells
{
    // A partial cell narrower than this is ignored.
    private const double Sliver = 1e-3;
    private readonly (int Start, int Offset)[] _targets;
    private readonly float[] _weights;

    public AreaCells(int source, int target)
    {
        var scale = Resize.Scale(source, target);
        var weights = new List<float>(source + (2 * target));
        _targets = new (int, int)[target + 1];
        for (var t = 0; t < target; t++)
        {
            var start = t * scale;
            var end = start + scale;
            var width = Math.Min(scale, source - start);
            var last = Math.Min((int)Math.Floor(end), source - 1);
            var first = Math.Min((int)Math.Ceiling(start), last);
            var hasRim = first - start > Sliver;
            _targets[t] = (hasRim ? first - 1 : first, weights.Count);
            if (hasRim)
                weights.Add((float)((first - start) / width));
            for (var s = first; s < last; s++)
                weights.Add((float)(1 / width));
            if (end - last > Sliver)
                weights.Add((float)(Math.Min(Math.Min(end - last, 1), width) / width));
        }

        _weights = [.. weights];
        _targets[target] = (source, _weights.Length);
    }

    /// <summary>The first source cell of a target cell.</summary>
    public int Start(int target) => _targets[target].Start;

    /// <summary>The weights of a target cell, one for each source cell from the first on.</summary>
    public ReadOnlySpan<float> Weights(int target) => _weights.AsSpan(_targets[target].Offset.._targets[target + 1].Offset);
}
