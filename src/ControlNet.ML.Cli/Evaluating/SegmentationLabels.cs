using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Compares segmentation maps in the colors of a palette.</summary>
internal static class SegmentationLabels
{
    /// <summary>Compares two maps. Black pixels of either have no class and do not count.</summary>
    /// <param name="expected">The row's condition.</param>
    /// <param name="found">The map found in the image, of the same size.</param>
    public static ConfusionCells Compare(ImageBuffer expected, ImageBuffer found)
    {
        // The palette whose exact colors the maps have: those of the other palette are others.
        var palette = SegmentationPalette.All.MaxBy(each => Known(each.ToLabels(expected)) + Known(each.ToLabels(found)))!;
        var (labels, classes) = (Labels(palette, expected), Labels(palette, found));
        var counts = new Dictionary<(byte Label, byte Class), long>();
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] != SegmentationPalette.NoLabel && classes[i] != SegmentationPalette.NoLabel)
                counts[(labels[i], classes[i])] = counts.GetValueOrDefault((labels[i], classes[i])) + 1;
        }

        return new ConfusionCells(palette.Name, [.. counts.SelectMany(cell => (long[])[cell.Key.Label, cell.Key.Class, cell.Value])]);

        static int Known(ImageBuffer map) => map.Samples.Count(label => label != SegmentationPalette.NoLabel);
    }

    /// <summary>The confusion of several images of one palette.</summary>
    /// <param name="images">At least one image.</param>
    public static SegmentationConfusion Sum(IEnumerable<ConfusionCells> images)
    {
        SegmentationConfusion? sum = null;
        foreach (var image in images)
        {
            sum ??= new SegmentationConfusion(SegmentationPalette.Find(image.Palette).Classes.Count);
            for (var i = 0; i + 2 < image.Counts.Count; i += 3)
                sum.Add((int)image.Counts[i], (int)image.Counts[i + 1], image.Counts[i + 2]);
        }

        return sum!;
    }

    /// <summary>The bootstrap intervals of mean IoU and pixel accuracy over resampled images.</summary>
    /// <param name="images">At least one image, all of one palette.</param>
    public static (ConfidenceInterval MeanIou, ConfidenceInterval Accuracy) Intervals(IReadOnlyList<ConfusionCells> images)
    {
        var sums = images.Select(ClassSums.Of).ToList();
        var classes = SegmentationPalette.Find(images[0].Palette).Classes.Count;
        var resampling = new Resampling(0);
        var (ious, accuracies) = (new double[ConfidenceInterval.Resamples], new double[ConfidenceInterval.Resamples]);
        for (var i = 0; i < ious.Length; i++)
            (ious[i], accuracies[i]) = ClassSums.Ratios(resampling.With(sums.Count).Select(image => sums[image]), classes);
        return (ConfidenceInterval.Of(ious), ConfidenceInterval.Of(accuracies));
    }

    /// <summary>The labels of exact colors; of others, which scaling or compression made, those of the nearest, except for black.</summary>
    private static byte[] Labels(SegmentationPalette palette, ImageBuffer map)
    {
        var (exact, nearest, colors) = (palette.ToLabels(map).Samples, palette.ToNearestLabels(map).Samples, Color.Rgb(map).Samples);
        for (var i = 0; i < exact.Length; i++)
        {
            if (exact[i] == SegmentationPalette.NoLabel && colors.AsSpan(3 * i, 3).IndexOfAnyExcept((byte)0) >= 0)
                exact[i] = nearest[i];
        }

        return exact;
    }

    /// <summary>The classes of an image: class, pixels found as themselves, pixels in the label, pixels found.</summary>
    private sealed record ClassSums(IReadOnlyList<(int Class, long Both, long Labelled, long Found)> Classes)
    {
        public static ClassSums Of(ConfusionCells image)
        {
            SortedDictionary<int, (long Both, long Labelled, long Found)> sums = [];
            for (var i = 0; i + 2 < image.Counts.Count; i += 3)
            {
                var (label, found, pixels) = ((int)image.Counts[i], (int)image.Counts[i + 1], image.Counts[i + 2]);
                Add(label, label == found ? pixels : 0, pixels, 0);
                Add(found, 0, 0, pixels);
            }

            return new ClassSums([.. sums.Select(sum => (sum.Key, sum.Value.Both, sum.Value.Labelled, sum.Value.Found))]);

            void Add(int of, long both, long labelled, long found)
            {
                var sum = sums.GetValueOrDefault(of);
                sums[of] = (sum.Both + both, sum.Labelled + labelled, sum.Found + found);
            }
        }

        public static (double MeanIou, double Accuracy) Ratios(IEnumerable<ClassSums> images, int classes)
        {
            var (both, either) = (new long[classes], new long[classes]);
            var (right, all) = (0L, 0L);
            foreach (var image in images)
            {
                foreach (var sum in image.Classes)
                {
                    both[sum.Class] += sum.Both;
                    either[sum.Class] += sum.Labelled + sum.Found - sum.Both;
                    (right, all) = (right + sum.Both, all + sum.Labelled);
                }
            }

            var known = Enumerable.Range(0, classes).Where(c => either[c] > 0).ToList();
            return (known.Count == 0 ? 0 : known.Average(c => (double)both[c] / either[c]), all == 0 ? 0 : (double)right / all);
        }
    }
}
