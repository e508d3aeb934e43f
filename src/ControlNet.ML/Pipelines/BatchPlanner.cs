using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Pipelines;

/// <summary>
/// Decides, for every caller, which images are denoised together. An image's values depend on its batch only by rounding.
/// </summary>
internal static class BatchPlanner
{
    /// <summary>Groups items that can be denoised together.</summary>
    /// <param name="items">The items; the batches depend on nothing else.</param>
    /// <param name="key">The properties that the items of a batch must share.</param>
    /// <param name="most">The maximum batch size.</param>
    /// <returns>Batches of at least one item: each item once, in order inside a batch.</returns>
    public static List<T[]> Plan<T>(IEnumerable<T> items, Func<T, BatchKey> key, int most = int.MaxValue)
    {
        List<T[]> batches = [];
        foreach (var alike in items.Select(item => (Item: item, Key: key(item))).GroupBy(item => item.Key.Settings))
        {
            for (var left = alike.ToList(); left.Count > 0;)
            {
                // Rows without a network run with those that have it: their scale is 0.
                var widest = left.MaxBy(item => item.Key.Networks.Count).Key;
                batches.AddRange(left.Where(item => widest.Covers(item.Key)).Select(item => item.Item).Chunk(most));
                left.RemoveAll(item => widest.Covers(item.Key));
            }
        }

        return batches;
    }
}
