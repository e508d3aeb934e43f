using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Turns images into vectors of features by an ONNX graph (Inception, CLIP's image encoder, ResNet …), for the distances of sets of images
/// in <see cref="DistributionMetrics"/>. Thread-safe.
/// </summary>
public sealed class ImageFeatureExtractor : IDisposable
{
    private readonly OnnxGraph _graph;
    private readonly FeatureExtractorOptions _options;
    private readonly OnnxPort _input;
    private readonly int _output;
    private readonly bool _channelsLast;
    private readonly Lazy<int> _dimension;

    private ImageFeatureExtractor(OnnxGraph graph, FeatureExtractorOptions options, string name)
    {
        (_graph, _options) = (graph, options);
        (_input, _channelsLast) = FeatureGraph.Input(graph);
        _output = FeatureGraph.Output(graph, options.Output);
        var fixedBatch = graph.Signature.Inputs[0].Shape[0];
        (BatchSize, HasFixedBatch) = fixedBatch > 0 ? (fixedBatch, true) : (options.BatchSize, false);
        Name = $"{name}, {options.Preparation.Name}{(options.Output is { } output ? $", {output}" : "")}";
        _dimension = new(() => FeatureGraph.Dimension(graph.Signature.Outputs[_output]) ?? Run([new ImageBuffer(1, 1, 3)])[0].Length);
    }

    /// <summary>
    /// The file's name, the beginning of its SHA-256 and the preparation: what <see cref="FeatureSet"/> compares before it compares
    /// numbers.
    /// </summary>
    public string Name { get; }

    /// <summary>Number of features of an image.</summary>
    /// <exception cref="ControlNetException">The graph leaves it open, and cannot be run to find it.</exception>
    public int Dimension => _dimension.Value;

    /// <summary>Number of images that run together.</summary>
    public int BatchSize { get; }

    private bool HasFixedBatch { get; }

    /// <summary>Opens a graph. The weights are loaded with the first image.</summary>
    /// <param name="path">
    /// An ONNX file with one input of images, float32 or float16, [N, 3, height, width] or [N, height, width, 3]; sizes may be dynamic.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Stops the hashing of the file.</param>
    /// <returns>The extractor; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The file is missing or not such a graph.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The batch size is outside its range.</exception>
    public static ImageFeatureExtractor Open(
        string path, FeatureExtractorOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchSize, FeatureExtractorOptions.LargestBatch, nameof(options));
        var graph = OnnxGraph.Open(path, options.Session);
        try
        {
            return new ImageFeatureExtractor(graph, options, ExtractorName.Of(path, cancellationToken));
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }

    /// <summary>Extracts the features of images.</summary>
    /// <param name="images">
    /// The images, any size and number of channels; alpha is composited on white. Read lazily on another thread, so that reading and
    /// preparing the next batch overlaps with running this one.
    /// </param>
    /// <param name="progress">Receives the number of images done, on the calling thread.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <returns>The features, under <see cref="Name"/>.</returns>
    /// <exception cref="ControlNetException">The graph cannot be run, or returns a number that is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public FeatureSet Extract(
        IEnumerable<ImageBuffer> images, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        var set = new FeatureSet(Dimension, Name);
        foreach (var features in Each(images, cancellationToken))
        {
            set.Add(features);
            progress?.Report(set.Count);
        }

        return set;
    }

    /// <summary>
    /// Extracts features image by image in constant memory: two batches of images and one of features are in memory at once.
    /// </summary>
    /// <param name="images">The images, as for <see cref="Extract"/>.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <returns>The features of each image, in order.</returns>
    /// <exception cref="ControlNetException">The graph cannot be run, or returns a number that is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<float[]> Each(IEnumerable<ImageBuffer> images, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        return Enumerate();

        IEnumerable<float[]> Enumerate()
        {
            using var source = images.GetEnumerator();
            var buffers = new FeatureBatch[] { new(BatchSize), new(BatchSize) };
            var (turn, first) = (0, 0L);
            var next = Task.Run(() => Fill(buffers[0], source, cancellationToken), CancellationToken.None);
            try
            {
                while (true)
                {
                    next.GetAwaiter().GetResult();
                    var batch = buffers[turn];
                    if (batch.Count == 0)
                        yield break;
                    turn = 1 - turn;
                    var following = buffers[turn];
                    next = Task.Run(() => Fill(following, source, cancellationToken), CancellationToken.None);
                    foreach (var features in Run(batch, first))
                        yield return features;
                    first += batch.Count;
                }
            }
            finally
            {
                // The source is not disposed while the other thread reads from it.
                ((IAsyncResult)next).AsyncWaitHandle.WaitOne();
            }
        }
    }

    /// <summary>Extracts the features of few images, which are in memory.</summary>
    /// <param name="images">The images.</param>
    /// <returns>The features of each image.</returns>
    /// <exception cref="ControlNetException">The graph cannot be run, or returns a number that is not finite.</exception>
    public IReadOnlyList<float[]> Run(IReadOnlyList<ImageBuffer> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        return [.. Each(images)];
    }

    /// <inheritdoc/>
    public void Dispose() => _graph.Dispose();

    /// <summary>Images as the graph takes them, at most <see cref="BatchSize"/>.</summary>
    internal TensorData Batch(IReadOnlyList<ImageBuffer> images)
    {
        var batch = new FeatureBatch(BatchSize);
        using var source = images.GetEnumerator();
        Fill(batch, source, CancellationToken.None);
        return batch.ToTensor(HasFixedBatch ? BatchSize : batch.Count);
    }

    /// <summary>A batch as ONNX Runtime takes it; the caller disposes it.</summary>
    internal OrtValue Value(TensorData batch) => OnnxGraph.Image(_graph.Signature.Inputs[0], batch);

    private void Fill(FeatureBatch batch, IEnumerator<ImageBuffer> source, CancellationToken cancellationToken)
    {
        batch.Clear();
        while (batch.Count < BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!source.MoveNext())
                return;
            var image = _options.Preparation.Images.Apply(Color.Hwc3(source.Current), _input, _options.Preparation.Images.Side);
            batch.Add(image, _channelsLast);
        }
    }

    private List<float[]> Run(FeatureBatch batch, long first)
    {
        var outputs = _graph.Run(batch.ToTensor(HasFixedBatch ? BatchSize : batch.Count));
        var value = outputs[_output];
        var rows = HasFixedBatch ? BatchSize : batch.Count;
        if (value.Floats.Length == 0 || value.Floats.Length % rows != 0)
            throw new ControlNetException(
                $"{_graph.Source}: its output {value.Port} has {value.Count:N0} numbers for {rows} images, expected a vector for each.");
        var length = value.Floats.Length / rows;
        List<float[]> features = [];
        for (var row = 0; row < batch.Count; row++)
        {
            var vector = value.Floats.AsSpan(row * length, length).ToArray();
            if (Array.FindIndex(vector, number => !float.IsFinite(number)) is var bad and >= 0)
                throw new ControlNetException(
                    $"{_graph.Source}: feature {bad} of image {first + row} is {vector[bad]}, expected a finite number.");
            features.Add(vector);
        }

        return features;
    }
}
