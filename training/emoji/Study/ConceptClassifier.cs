using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.EmojiTraining.Study;

/// <summary>
/// Names the concept of an emoji (panda, red apple, …) by the features of its image: a multinomial logistic regression of ML.NET.
/// </summary>
internal sealed class ConceptClassifier
{
    private readonly MLContext _context;
    private readonly ITransformer _model;
    private readonly SchemaDefinition _schema;

    private ConceptClassifier(MLContext context, ITransformer model, SchemaDefinition schema) => (_context, _model, _schema) = (context, model, schema);

    /// <summary>Trains a classifier. Deterministic.</summary>
    /// <param name="examples">Features, all of one length, and the right concept.</param>
    /// <exception cref="ControlNetException">There are fewer than two concepts.</exception>
    public static ConceptClassifier Train(IReadOnlyList<Example> examples)
    {
        if (examples.Select(example => example.Concept).Distinct().Take(2).Count() < 2)
            throw new ControlNetException($"{examples.Count} images are of one concept, expected at least two concepts to tell apart.");
        var context = new MLContext(seed: 1);
        var schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, examples[0].Features.Length);
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label", nameof(Example.Concept))
            .Append(context.Transforms.NormalizeMeanVariance(nameof(Example.Features), fixZero: false))
            .Append(context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(featureColumnName: nameof(Example.Features), l1Regularization: 0))
            .Append(context.Transforms.Conversion.MapKeyToValue(nameof(Prediction.Named), "PredictedLabel"));
        var model = pipeline.Fit(context.Data.LoadFromEnumerable(examples, schema));
        return new ConceptClassifier(context, model, schema);
    }

    /// <summary>Whether each image is named as its concept.</summary>
    public bool[] AreRight(IReadOnlyList<Example> examples)
    {
        var data = _model.Transform(_context.Data.LoadFromEnumerable(examples, _schema));
        return [.. _context.Data.CreateEnumerable<Prediction>(data, reuseRowObject: false).Zip(examples, (prediction, example) => prediction.Named == example.Concept)];
    }

    /// <summary>An image.</summary>
    /// <param name="features">Its features.</param>
    /// <param name="concept">Its right concept.</param>
    internal sealed class Example(float[] features, string concept)
    {
        // ML.NET reads rows by properties with setters.
        public float[] Features { get; set; } = features;

        public string Concept { get; set; } = concept;
    }

    private sealed class Prediction
    {
        public string Named { get; set; } = "";
    }
}
