using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models.Tiling;

/// <summary>
/// The feature map of one image, [1, C, H, W], as strips of whole rows. A layer takes them one by one and frees each as soon as it is no
/// longer needed, so that input and output of the layer are never in memory as a whole.
/// </summary>
/// <param name="strips">From top to bottom, [1, C, h, W] each; owned.</param>
internal sealed class FeatureStrips(IReadOnlyList<Tensor> strips)
{
    /// <summary>The strips, from top to bottom.</summary>
    public IReadOnlyList<Tensor> Strips => strips;

    /// <summary>Channels.</summary>
    public long Channels => strips[0].shape[1];

    /// <summary>Columns.</summary>
    public long Width => strips[0].shape[3];

    /// <summary>A map as one strip, which is freed with it.</summary>
    public static FeatureStrips Of(Tensor map) => new([map]);

    /// <summary>The whole map; the strips are freed.</summary>
    public Tensor Whole()
    {
        if (strips.Count == 1)
            return strips[0];
        var whole = cat([.. strips], dim: 2);
        Free();
        return whole;
    }

    /// <summary>The same map in strips of at most some rows, where those above it were higher; lower ones are joined up to it.</summary>
    /// <param name="rows">The number of rows.</param>
    public FeatureStrips Arrange(long rows)
    {
        List<Tensor> arranged = [];
        List<Tensor> low = [];
        foreach (var strip in strips)
        {
            if (low.Sum(part => part.shape[2]) + strip.shape[2] > rows)
                Join();
            if (strip.shape[2] <= rows)
            {
                low.Add(strip);
                continue;
            }

            // Views, which keep the strip's memory until the last of them is freed.
            for (long row = 0; row < strip.shape[2]; row += rows)
                arranged.Add(strip.narrow(2, row, Math.Min(rows, strip.shape[2] - row)));
            strip.Dispose();
        }

        Join();
        return new FeatureStrips(arranged);

        void Join()
        {
            if (low.Count > 0)
                arranged.Add(new FeatureStrips([.. low]).Whole());
            low.Clear();
        }
    }

    /// <summary>Computes a layer strip by strip.</summary>
    /// <param name="prepare">Computed once for each strip: the layer sees its result, and border rows of its results for the strips around.
    /// Returns a new tensor, or the strip itself.</param>
    /// <param name="layer">Computes a strip of the output.</param>
    /// <param name="keeps">Whether these strips stay; otherwise each is freed after it was used.</param>
    public FeatureStrips Map(Func<Tensor, Tensor> prepare, Func<StripWindow, Tensor> layer, bool keeps = false)
    {
        List<Tensor> results = [];
        Tensor? above = null;
        var current = prepare(strips[0]);
        for (var i = 0; i < strips.Count; i++)
        {
            var next = i + 1 < strips.Count ? prepare(strips[i + 1]) : null;
            using var below = next?.narrow(2, 0, 1);
            using (var scope = NewDisposeScope())
                results.Add(layer(new StripWindow(i, strips[i], current, above, below)).MoveToOuterDisposeScope());

            above?.Dispose();
            using (var last = current.narrow(2, current.shape[2] - 1, 1))
                above = next is null ? null : last.clone();
            if (!ReferenceEquals(current, strips[i]))
                current.Dispose();
            if (!keeps)
                strips[i].Dispose();
            current = next!;
        }

        return new FeatureStrips(results);
    }

    /// <summary>Frees the strips.</summary>
    public void Free()
    {
        foreach (var strip in strips)
            strip.Dispose();
    }
}

/// <summary>What a layer sees of a map.</summary>
/// <param name="Index">The strip's index, from the top.</param>
/// <param name="Source">The strip, [1, C, h, W].</param>
/// <param name="Rows">The prepared strip, [1, C, h, W].</param>
/// <param name="Above">The row above it, [1, C, 1, W]; null at the top of the image.</param>
/// <param name="Below">The row below it; null at the bottom of the image.</param>
internal sealed record StripWindow(int Index, Tensor Source, Tensor Rows, Tensor? Above, Tensor? Below);
