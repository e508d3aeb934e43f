using System.Numerics.Tensors;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// How well images fit their prompts: the cosine of CLIP's two embeddings (paper, Table 3; Hessel et al., CLIPScore, 2021).
/// </summary>
/// <param name="Cosines">The cosine of each pair, -1 to 1.</param>
/// <param name="Extractor">What computed the embeddings.</param>
public sealed record ClipScore(IReadOnlyList<double> Cosines, string Extractor)
{
    /// <summary>The mean cosine: the paper's number, 0.26 and the like.</summary>
    public double Mean => Cosines.Average();

    /// <summary>100 · max(cosine, 0) of each pair, averaged: torchmetrics' number.</summary>
    public double Score100 => 100 * Cosines.Average(cosine => Math.Max(cosine, 0));

    /// <summary>2.5 · max(cosine, 0) of each pair, averaged: CLIPScore as published.</summary>
    public double Published => 2.5 * Cosines.Average(cosine => Math.Max(cosine, 0));

    /// <summary>Compares images with their prompts.</summary>
    /// <param name="images">The embeddings of the images.</param>
    /// <param name="texts">The embeddings of their prompts, in the same order.</param>
    /// <returns>The cosines.</returns>
    /// <exception cref="ArgumentException">The lists differ in length, extractor or dimension, are empty, or one is zero.</exception>
    public static ClipScore Compute(FeatureSet images, FeatureSet texts)
    {
        FeatureSet.CheckComparable(images, texts, least: 1);
        if (images.Count != texts.Count)
            throw new ArgumentException($"There are {images.Count:N0} images and {texts.Count:N0} texts, expected a text for each image.");
        return new ClipScore([.. Enumerable.Range(0, images.Count).Select(i => Cosine(images[i], texts[i], i))], images.Extractor);
    }

    private static double Cosine(ReadOnlySpan<double> image, ReadOnlySpan<double> text, int pair)
    {
        var cosine = TensorPrimitives.CosineSimilarity(image, text);
        return double.IsFinite(cosine)
            ? cosine
            : throw new ArgumentException($"An embedding of pair {pair} is zero, expected a direction.");
    }
}
