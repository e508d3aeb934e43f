using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Text;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>CLIP's two encoders as ONNX graphs, whose embeddings of images and texts lie in one space: for the CLIP score.</summary>
public sealed class ClipEmbedder : IDisposable
{
    private const string Mask = "attention_mask";

    private readonly OnnxNetwork _text;
    private readonly OnnxPort _ids, _output;
    private readonly OnnxPort? _mask;
    private readonly ClipTokenizer _tokenizer = ClipTokenizer.Clip();

    private ClipEmbedder(ImageFeatureExtractor images, OnnxNetwork text, string name)
    {
        (Images, _text, Name) = (images, text, $"{images.Name} + {name}");
        _ids = text.Require(text.Signature.Inputs, $"input {GraphNames.Ids}", GraphNames.Ids);
        _mask = text.Signature.Inputs.Find(Mask);
        text.RequireKnown([_ids, _mask]);
        _output = text.Signature.Outputs.Find(GraphNames.PooledText)
            ?? (text.Signature.Outputs is [{ Shape.Count: 2 } only]
                ? only
                : text.Require(text.Signature.Outputs, $"output {GraphNames.PooledText}", GraphNames.PooledText));
    }

    /// <summary>The names of both files with the beginnings of their SHA-256.</summary>
    public string Name { get; }

    /// <summary>The encoder of images, prepared as CLIP's.</summary>
    public ImageFeatureExtractor Images { get; }

    /// <summary>Opens two graphs.</summary>
    /// <param name="imagePath">The image encoder with its projection: output <c>image_embeds</c>, or only one.</param>
    /// <param name="textPath">
    /// The text encoder with its projection: input <c>input_ids</c>, also <c>attention_mask</c>; output <c>text_embeds</c>, or only one.
    /// </param>
    /// <param name="options">Batch size and where the graphs run; the preparation is always CLIP's. Null for the defaults.</param>
    /// <param name="cancellationToken">Stops the hashing of the files.</param>
    /// <returns>The embedder; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">A file is missing, or not such a graph.</exception>
    public static ClipEmbedder Open(
        string imagePath, string textPath, FeatureExtractorOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(textPath);
        var settings = (options ?? new()) with { Preparation = FeaturePreparation.Clip };
        var images = ImageFeatureExtractor.Open(imagePath, settings, cancellationToken);
        OnnxNetwork? text = null;
        try
        {
            text = new OnnxNetwork(textPath, textPath, settings.Session, typeof(ClipEmbedder));
            return new ClipEmbedder(images, text, ExtractorName.Of(textPath, cancellationToken));
        }
        catch
        {
            text?.Dispose();
            images.Dispose();
            throw;
        }
    }

    /// <summary>The embedding of a text; of one longer than 75 tokens, that of its beginning, as in CLIP.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The embedding, not normalised.</returns>
    /// <exception cref="ControlNetException">The graph cannot be run, or returns a number that is not finite.</exception>
    public float[] EmbedText(string text)
    {
        var tokens = _tokenizer.Tokenize(text);
        using var ids = OnnxTensors.Ids(_ids, tokens.Ids);
        using var mask = _mask is null ? null : OnnxTensors.Ids(_mask, tokens.AttentionMask);
        Dictionary<string, OrtValue> inputs = new() { [_ids.Name] = ids };
        if (mask is not null)
            inputs[_mask!.Name] = mask;
        using var values = _text.Run(inputs, _output);
        var embedding = values[0].ToData().Values;
        return Array.TrueForAll(embedding, float.IsFinite)
            ? embedding
            : throw new ControlNetException($"{_text.Title}: its embedding of {Message.Name(text)} has a number that is not finite.");
    }

    /// <summary>Compares images with their prompts.</summary>
    /// <param name="images">The images.</param>
    /// <param name="prompts">The prompt of each.</param>
    /// <param name="progress">Receives the number of images done, on the calling thread.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <returns>The CLIP score.</returns>
    /// <exception cref="ControlNetException">A graph cannot be run, or the two have embeddings of different lengths.</exception>
    /// <exception cref="ArgumentException">There are not as many images as prompts, or none.</exception>
    public ClipScore Score(
        IEnumerable<ImageBuffer> images, IReadOnlyList<string> prompts, IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        var (embeddings, texts) = (new FeatureSet(Images.Dimension, Name), new FeatureSet(Images.Dimension, Name));
        foreach (var embedding in Images.Each(images, cancellationToken))
        {
            embeddings.Add(embedding);
            progress?.Report(embeddings.Count);
        }

        foreach (var prompt in prompts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            texts.Add(EmbedAsImages(prompt));
        }

        return ClipScore.Compute(embeddings, texts);
    }

    /// <summary>Compares an image with its prompt.</summary>
    /// <param name="embedding">The image's embedding, of <see cref="Images"/>.</param>
    /// <param name="prompt">The prompt.</param>
    /// <returns>The cosine, -1 to 1.</returns>
    /// <exception cref="ControlNetException">The graph cannot be run, or the two have embeddings of different lengths.</exception>
    /// <exception cref="ArgumentException">The embedding has another length, or is zero.</exception>
    public double Compare(ReadOnlySpan<float> embedding, string prompt)
    {
        var (images, texts) = (new FeatureSet(Images.Dimension, Name), new FeatureSet(Images.Dimension, Name));
        images.Add(embedding);
        texts.Add(EmbedAsImages(prompt));
        return ClipScore.Compute(images, texts).Mean;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        _text.Dispose();
    }

    private float[] EmbedAsImages(string prompt) =>
        EmbedText(prompt) is var embedding && embedding.Length == Images.Dimension
            ? embedding
            : throw new ControlNetException(
                $"{_text.Title} gives {embedding.Length:N0} numbers for a text, {Images.Name} {Images.Dimension:N0} for an image: expected "
                    + "the two encoders of one CLIP, with their projections.");
}
