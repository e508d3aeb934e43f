namespace ControlNet.ML.Onnx;

/// <summary>Finds the input and the output of a graph that turns images into features.</summary>
internal static class FeatureGraph
{
    /// <summary>CLIP's output in the space that images and texts share.</summary>
    public const string ImageEmbeds = "image_embeds";

    /// <summary>The only input, as [N, 3, height, width], and whether the graph's has the channels last.</summary>
    /// <exception cref="ControlNetException">The graph has other inputs.</exception>
    public static (OnnxPort Port, bool ChannelsLast) Input(OnnxGraph graph)
    {
        if (graph.Signature.Inputs is [{ Element: OnnxElement.Single or OnnxElement.Half, Shape: [var rows, var a, var b, var c] } port])
        {
            if (a is 3 or < 0 && c != 3)
                return (port with { Shape = [rows, 3, b, c] }, false);
            if (a == 3)
                return (port, false);
            if (c == 3)
                return (port with { Shape = [rows, 3, a, b] }, true);
        }

        throw new ControlNetException(
            $"{graph.Source} has {graph.Signature}, expected one input of images, float32 or float16: [N, 3, height, width] or "
                + "[N, height, width, 3].");
    }

    /// <summary>The index of the output with the features.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">Its name, or null.</param>
    /// <exception cref="ControlNetException">There is none, or several of which one has to be named.</exception>
    public static int Output(OnnxGraph graph, string? name)
    {
        var outputs = graph.Signature.Outputs;
        var names = outputs.Select(port => port.Name).ToList();
        if (name is not null)
        {
            return names.IndexOf(name) is var found and >= 0
                ? found
                : throw new ControlNetException(
                    $"{graph.Source} has no output {Message.Name(name)}, expected {Message.Choice(names)}.");
        }

        var index = names.IndexOf(ImageEmbeds);
        if (index < 0 && outputs.Count == 1)
            index = 0;
        if (index < 0 && outputs.Count(IsVector) == 1)
            index = names.IndexOf(outputs.First(IsVector).Name);
        if (index < 0)
            throw new ControlNetException(
                $"{graph.Source} has {graph.Signature}, expected one output with a vector for each image: name the output.");
        return IsVector(outputs[index]) || outputs[index].Shape.Count == 0
            ? index
            : throw new ControlNetException(
                $"{graph.Source} has the output {outputs[index]}, expected a vector for each image, [N, features]: a graph that ends in "
                    + "pooling.");
    }

    /// <summary>The number of features of an image; null if the graph leaves it open.</summary>
    public static int? Dimension(OnnxPort output)
    {
        var sizes = output.Shape.Skip(1).ToList();
        return sizes.Count > 0 && sizes.TrueForAll(size => size > 0) ? sizes.Aggregate(1, (a, b) => checked(a * b)) : null;
    }

    /// <summary>Whether an output has, or may have, one vector for each image: [N, D], also with sides of 1 after it.</summary>
    private static bool IsVector(OnnxPort port) => port.Element is OnnxElement.Single or OnnxElement.Half
        && (port.Shape.Count == 2 || (port.Shape.Count == 4 && port.Shape.Skip(1).Count(size => size != 1) <= 1));
}
