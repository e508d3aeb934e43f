using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// A condition that a network makes: the image is prepared for the network's variant, ONNX Runtime runs the graph, and its outputs are read
/// as by the public annotator.
/// </summary>
public sealed class LearnedCondition : IPreprocessor
{
    private readonly OnnxGraph _graph;

    /// <summary>Combines a graph with its variant.</summary>
    /// <param name="graph">The graph; disposed with this.</param>
    /// <param name="annotator">The variant, which prepares images and reads outputs.</param>
    public LearnedCondition(OnnxGraph graph, Annotator annotator)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(annotator);
        (_graph, Annotator) = (graph, annotator);
    }

    /// <summary>The graph's variant.</summary>
    public Annotator Annotator { get; }

    /// <summary>Opens the network that the options name and determines its variant.</summary>
    /// <param name="kind">The name of the condition, for messages.</param>
    /// <param name="options">The options.</param>
    /// <param name="forms">The supported variants, the most specific first.</param>
    /// <returns>The preprocessor; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">No file is named, it cannot be read, or it is none of the variants.</exception>
    public static LearnedCondition Open(string kind, LearnedOptions options, IReadOnlyList<Annotator> forms)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(forms);
        if (options.Model.Length == 0)
        {
            throw new ControlNetException(
                $"'{kind}' needs its network: name an ONNX file with the option Model. Supported are "
                    + $"{string.Join("; or ", forms.Select(form => $"{form.Models} ({form.Name})"))}.");
        }

        ConditionOption.Check(options, kind);
        var graph = OnnxGraph.Open(options.Model, options.Session);
        try
        {
            return new LearnedCondition(graph, Form(kind, graph, options.Variant, forms));
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The condition at the photo's size: the result of <see cref="Detect"/>, resized so that lines and classes stay sharp (<see
    /// cref="MapFit"/>).
    /// </summary>
    /// <inheritdoc/>
    public ImageBuffer Apply(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var map = Detect(image);
        return (map.Width, map.Height) == (image.Width, image.Height)
            ? map
            : MapFit.Apply(map, Geometry.ForMap(map.Width, map.Height, image.Width, image.Height, FitMode.Resize));
    }

    /// <summary>The condition at the size at which the public annotator returns it: the photo's, or its working resolution.</summary>
    /// <param name="image">The photo; alpha is composited on white.</param>
    /// <returns>The condition.</returns>
    /// <exception cref="ControlNetException">The network cannot be run, or its outputs cannot be read.</exception>
    public ImageBuffer Detect(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var photo = Color.Hwc3(image);
        var pixels = Annotator.Prepare(photo, _graph.Signature.Inputs[0]);
        var outputs = _graph.Run(pixels, Annotator.Tokens(_graph.Signature));
        try
        {
            return Annotator.Read(outputs, pixels.Shape, photo);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or InvalidOperationException or OverflowException)
        {
            throw new ControlNetException($"{_graph.Source}: its outputs are not those of '{Annotator.Name}': {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _graph.Dispose();

    private static Annotator Form(string kind, OnnxGraph graph, string variant, IReadOnlyList<Annotator> forms)
    {
        if (variant.Length > 0)
        {
            return forms.FirstOrDefault(form => form.Name.Equals(variant, StringComparison.OrdinalIgnoreCase))
                ?? throw new ControlNetException(
                    $"'{kind}' has no variant '{variant}', expected one of {string.Join(", ", forms.Select(form => $"'{form.Name}'"))}.");
        }

        return forms.FirstOrDefault(form => form.Fits(graph.Signature))
            ?? throw new ControlNetException(
                $"{graph.Source} is none of the variants of '{kind}' ({string.Join(", ", forms.Select(form => form.Name))}): it has "
                    + $"{graph.Signature}. "
                    + "If it still is one of them, name it with the option Variant.");
    }
}
