using System.Diagnostics.CodeAnalysis;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>
/// Evaluates data, as the trainers' catalogs of ML.NET do: reads all rows once and returns metrics. Rows that failed in an earlier
/// component (NaN, no image) are left out.
/// </summary>
[SuppressMessage("Performance", "CA1822", Justification = "Methods of a catalog, as ML.NET's own.")]
public sealed class ControlNetEvaluation
{
    internal ControlNetEvaluation()
    {
    }

    /// <summary>Summarises a column of scores, such as <see cref="ControlNetTransforms.Fidelity"/> adds.</summary>
    /// <param name="data">The data.</param>
    /// <param name="scoreColumnName">The column of numbers; NaN for failed rows.</param>
    /// <param name="seed">Seed of the bootstrap interval.</param>
    /// <returns>Mean, standard deviation, interval.</returns>
    /// <exception cref="ArgumentException">There is no such column of Single, or no row has a score.</exception>
    public ScoreMetrics EvaluateScores(IDataView data, string scoreColumnName, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(data);
        var column = Column(data, scoreColumnName, type => type is NumberDataViewType && type.RawType == typeof(float), "Single");
        List<double> scores = [];
        var rows = 0L;
        using (var cursor = data.GetRowCursor([column]))
        {
            var getter = cursor.GetGetter<float>(column);
            for (var value = 0f; cursor.MoveNext(); rows++)
            {
                getter(ref value);
                if (!float.IsNaN(value))
                    scores.Add(value);
            }
        }

        return scores.Count > 0
            ? ScoreMetrics.Of([.. scores], rows - scores.Count, seed)
            : throw new ArgumentException($"No row has a number in column '{scoreColumnName}', expected at least one.", nameof(data));
    }

    /// <summary>
    /// Compares the features of generated images with those of real ones: FID, KID, precision, recall, density, coverage.
    /// </summary>
    /// <param name="real">The real images.</param>
    /// <param name="generated">The generated images.</param>
    /// <param name="featureColumnName">The column of features in both: a vector of Single, of any extractor, the same for both.</param>
    /// <param name="extractor">What computed the features, for the result.</param>
    /// <param name="seed">Seed of KID's subsets.</param>
    /// <returns>The distances.</returns>
    /// <exception cref="ArgumentException">
    /// There is no such column, the columns differ in size, or one of them has fewer than four images.
    /// </exception>
    public DistributionMetrics EvaluateFeatures(
        IDataView real, IDataView generated, string featureColumnName = "Features", string extractor = "", ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(real);
        ArgumentNullException.ThrowIfNull(generated);
        var (first, second) = (Features(real, featureColumnName, extractor), Features(generated, featureColumnName, extractor));
        return DistributionMetrics.Of(first, second, seed);
    }

    /// <summary>Compares images with their prompts by CLIP's embeddings of both.</summary>
    /// <param name="data">The data.</param>
    /// <param name="imageColumnName">The column with the embeddings of the images, vectors of Single.</param>
    /// <param name="textColumnName">The column with the embeddings of the prompts, as long.</param>
    /// <param name="extractor">What computed them, for the result.</param>
    /// <returns>The CLIP score.</returns>
    /// <exception cref="ArgumentException">There are no such columns, they differ in size, or there are no rows.</exception>
    public ClipScore EvaluateText(IDataView data, string imageColumnName, string textColumnName, string extractor = "")
    {
        ArgumentNullException.ThrowIfNull(data);
        DataViewSchema.Column[] columns = [VectorColumn(data, imageColumnName), VectorColumn(data, textColumnName)];
        var sets = columns.Select(column => new FeatureSet(Size(column), extractor)).ToArray();
        using var cursor = data.GetRowCursor(columns);
        var getters = columns.Select(column => cursor.GetGetter<VBuffer<float>>(column)).ToArray();
        VBuffer<float> image = default, text = default;
        while (cursor.MoveNext())
        {
            getters[0](ref image);
            getters[1](ref text);
            if (!IsMissing(image) && !IsMissing(text))
            {
                sets[0].Add(image.DenseValues().ToArray());
                sets[1].Add(text.DenseValues().ToArray());
            }
        }

        return ClipScore.Compute(sets[0], sets[1]);
    }

    /// <summary>Compares label maps with predicted ones: the class of a pixel is the level of its red channel.</summary>
    /// <param name="data">The data.</param>
    /// <param name="labelColumnName">The image column with the label maps.</param>
    /// <param name="predictionColumnName">The image column with the predicted maps, of the same sizes.</param>
    /// <param name="classes">Number of classes, 1 to 256.</param>
    /// <param name="ignore">The label of pixels that do not count; null for none.</param>
    /// <returns>The confusion, with the intersections over unions.</returns>
    /// <exception cref="ArgumentException">There are no such columns, maps differ in size, or have a class that does not exist.</exception>
    public SegmentationConfusion EvaluateSegmentation(
        IDataView data, string labelColumnName, string predictionColumnName, int classes, byte? ignore = 255)
    {
        ArgumentNullException.ThrowIfNull(data);
        var confusion = new SegmentationConfusion(classes, ignore);
        DataViewSchema.Column[] columns = [ImageColumn(data, labelColumnName), ImageColumn(data, predictionColumnName)];
        using var cursor = data.GetRowCursor(columns);
        var getters = columns.Select(column => cursor.GetGetter<MLImage>(column)).ToArray();
        while (cursor.MoveNext())
        {
            // A new variable for each row: a source may dispose the image in the target.
            MLImage? label = null, prediction = null;
            getters[0](ref label!);
            getters[1](ref prediction!);
            if (label is not null && prediction is not null)
                confusion.Add(Levels(label), Levels(prediction));
        }

        return confusion;

        static byte[] Levels(MLImage image)
        {
            var rgb = Color.Rgb(image.ToImageBuffer()).Samples;
            return [.. Enumerable.Range(0, rgb.Length / 3).Select(i => rgb[3 * i])];
        }
    }

    private static FeatureSet Features(IDataView data, string name, string extractor)
    {
        var column = VectorColumn(data, name);
        var set = new FeatureSet(Size(column), extractor);
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> features = default;
        while (cursor.MoveNext())
        {
            getter(ref features);
            if (!IsMissing(features))
                set.Add(features.DenseValues().ToArray());
        }

        return set;
    }

    /// <summary>Whether a row failed: then all numbers are NaN.</summary>
    private static bool IsMissing(in VBuffer<float> vector) => vector.Length > 0 && vector.DenseValues().All(float.IsNaN);

    private static int Size(DataViewSchema.Column column) => ((VectorDataViewType)column.Type).Size;

    private static DataViewSchema.Column VectorColumn(IDataView data, string name) => Column(
        data, name, type => type is VectorDataViewType { IsKnownSize: true, ItemType.RawType: var item } && item == typeof(float),
        "a vector of Single of known size");

    private static DataViewSchema.Column ImageColumn(IDataView data, string name) =>
        Column(data, name, type => type.RawType == typeof(MLImage), "Image");

    private static DataViewSchema.Column Column(IDataView data, string name, Func<DataViewType, bool> accepts, string expected)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return data.Schema.GetColumnOrNull(name) is not { } column
            ? throw new ArgumentException($"The data has no column '{name}', expected one of {expected}.", nameof(name))
            : accepts(column.Type)
                ? column
                : throw new ArgumentException($"Column '{name}' is {column.Type}, expected {expected}.", nameof(name));
    }
}
