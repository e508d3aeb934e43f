using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The networks that turn images into numbers: features, CLIP's embeddings, the aesthetic score.</summary>
internal sealed class ImageExtractors : IDisposable
{
    private readonly ImageFeatureExtractor? _features;
    private readonly ImageFeatureExtractor? _embeddings;
    private readonly ClipEmbedder? _clip;
    private readonly AestheticScore? _aesthetic;

    /// <summary>Opens them.</summary>
    /// <exception cref="ControlNetException">A file is missing, or no such network.</exception>
    public ImageExtractors(EvaluateSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            if (settings.Features is { } graph)
            {
                var options = new FeatureExtractorOptions { Preparation = FeaturePreparation.Find(settings.Preparation) };
                _features = ImageFeatureExtractor.Open(graph, options, cancellationToken);
                Settings[EvaluationRecord.Features] = _features.Name;
            }

            if (settings.ClipImage is { } image && settings.ClipText is { } text)
            {
                _clip = ClipEmbedder.Open(image, text, cancellationToken: cancellationToken);
                (_embeddings, Settings["clip"]) = (_clip.Images, _clip.Name);
            }
            else if (settings.ClipImage is { } only)
            {
                _embeddings = ImageFeatureExtractor.Open(only, new() { Preparation = FeaturePreparation.Clip }, cancellationToken);
                Settings["clip"] = _embeddings.Name;
            }

            if (settings.Aesthetic is { } head)
            {
                _aesthetic = AestheticScore.Load(head);
                Settings["aesthetic"] = $"{_aesthetic.Name} sha256:{DigestCache.OfUser.Of(head, cancellationToken)[..12]}";
                if (_embeddings!.Dimension != _aesthetic.Dimension)
                    throw new ControlNetException(
                        $"{_aesthetic.Name} takes embeddings of {_aesthetic.Dimension:N0} numbers, {_embeddings.Name} gives "
                            + $"{_embeddings.Dimension:N0}: expected CLIP's image encoder that the predictor was trained on.");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the numbers depend on, by name.</summary>
    public SortedDictionary<string, string> Settings { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether images have features.</summary>
    public bool HasFeatures => _features is not null;

    /// <summary>Whether there is anything to extract.</summary>
    public bool IsEmpty => _features is null && _embeddings is null;

    /// <summary>The features of images that may be compared with real ones.</summary>
    public IReadOnlyList<float[]>? Features(IReadOnlyList<ImageBuffer> images) => _features?.Run(images);

    /// <summary>Adds CLIP score and aesthetic score.</summary>
    /// <param name="images">The images.</param>
    /// <param name="prompts">The prompt of each; null where it is unknown.</param>
    /// <param name="metrics">Receives the scores of each.</param>
    /// <exception cref="ControlNetException">A graph cannot be run.</exception>
    public void Score(IReadOnlyList<ImageBuffer> images, IReadOnlyList<string?> prompts, IReadOnlyList<Dictionary<string, double>> metrics)
    {
        if (_embeddings is null || images.Count == 0)
            return;
        var embeddings = _embeddings.Run(images);
        for (var i = 0; i < images.Count; i++)
        {
            if (_clip is not null && prompts[i] is { } prompt)
                metrics[i]["clip"] = _clip.Compare(embeddings[i], prompt);
            if (_aesthetic is not null)
                metrics[i]["aesthetic"] = _aesthetic.Of(Array.ConvertAll(embeddings[i], value => (double)value));
        }
    }

    public void Dispose()
    {
        _features?.Dispose();
        if (_clip is not null)
            _clip.Dispose();
        else
            _embeddings?.Dispose();
    }
}
