using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using static ControlNet.ML.EmojiTraining.Study.ConceptClassifier;

namespace ControlNet.ML.EmojiTraining.Study;

/// <summary>
/// How often an image shows what its prompt says: a classifier tells the held-out concepts apart. It has learned them from their art in the
/// other styles, so that neither it nor the model that drew the image has seen the art that the prompt describes.
/// </summary>
internal sealed class TextAgreement
{
    private const int ColorsPerImage = 5;
    private readonly ImageFeatureExtractor _extractor;
    private readonly ConceptClassifier _classifier;
    private readonly Dictionary<string, string> _concepts;

    /// <summary>Trains the classifier.</summary>
    /// <param name="zip">emoji-128.zip.</param>
    /// <param name="extractor">Extracts the features.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    public TextAgreement(string zip, ImageFeatureExtractor extractor, CancellationToken cancellationToken)
    {
        _extractor = extractor;
        using var art = EmojiArt.Open(zip, "eval");
        _concepts = art.BaseRows.ToDictionary(row => art.Rows[row].Caption, row => art.Rows[row].Name);
        var names = _concepts.Values.ToHashSet();
        var rows = Enumerable.Range(0, art.Rows.Count)
            .Where(i => art.Rows[i] is { IsColored: true, Style: not EmojiArt.BaseStyle } row && names.Contains(row.Name)).ToList();
        var scenes = rows.SelectMany(row => Scenes(art, row));
        var features = extractor.Each(scenes.Select(scene => scene.Image), cancellationToken);
        var examples = features.Select((vector, i) => new Example(vector, art.Rows[rows[i / (ColorsPerImage + 1)]].Name)).ToList();
        (TrainingImages, Concepts) = (examples.Count, examples.Select(example => example.Concept).Distinct().Count());
        _classifier = Train(examples);
    }

    /// <summary>Number of images that the classifier was trained on.</summary>
    public int TrainingImages { get; }

    /// <summary>Number of concepts that it knows.</summary>
    public int Concepts { get; }

    /// <summary>The share of images that are named as their prompt says.</summary>
    /// <param name="prompts">The prompt of each image, a held-out emoji's caption.</param>
    /// <param name="files">The images.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <exception cref="ControlNetException">A prompt is no held-out emoji's caption.</exception>
    public ScoreMetrics Measure(IReadOnlyList<string> prompts, IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        var concepts = prompts.Select(prompt => _concepts.TryGetValue(prompt, out var concept)
            ? concept
            : throw new ControlNetException($"\"{prompt}\" is no caption of a held-out emoji, expected for instance \"{_concepts.Keys.First()}\".")).ToList();
        var features = _extractor.Each(files.Select(file => ImageCodec.Load(file)), cancellationToken);
        var examples = features.Zip(concepts, (vector, concept) => new Example(vector, concept)).ToList();
        return ScoreMetrics.Of([.. _classifier.AreRight(examples).Select(isRight => isRight ? 1.0 : 0)]);
    }

    /// <summary>An image plain, and mirrored on some colors.</summary>
    private static IEnumerable<Scene> Scenes(EmojiArt art, int row)
    {
        yield return Scene.Plain(art, row);
        for (var i = 0; i < ColorsPerImage; i++)
            yield return Scene.Mirrored(art, row, Backgrounds.All[(row + (3 * i)) % Backgrounds.All.Count]);
    }
}
