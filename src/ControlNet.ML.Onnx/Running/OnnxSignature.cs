using System.Text;

namespace ControlNet.ML.Onnx;

/// <summary>The inputs and outputs of a graph, read from the file without loading its weights.</summary>
/// <param name="Inputs">Its inputs, without weights.</param>
/// <param name="Outputs">Its outputs, in order.</param>
public sealed record OnnxSignature(IReadOnlyList<OnnxPort> Inputs, IReadOnlyList<OnnxPort> Outputs)
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <returns>The inputs and outputs.</returns>
    /// <exception cref="ControlNetException">The file is missing, cannot be read or is not an ONNX graph.</exception>
    public static OnnxSignature Read(string path)
    {
        using var file = MappedFile.Open(path);
        return Read(file.Bytes, path);
    }

    /// <summary>Reads a graph.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <returns>The inputs and outputs.</returns>
    /// <exception cref="ControlNetException">The data is not an ONNX graph.</exception>
    public static OnnxSignature Read(ReadOnlySpan<byte> file, string source)
    {
        List<OnnxPort> inputs = [], outputs = [];
        HashSet<string> weights = [];
        try
        {
            var model = new ProtobufReader(file);
            while (model.Next())
            {
                if (model.Field == OnnxFields.ModelGraph)
                    ReadGraph(model.Body, inputs, outputs, weights);
            }
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw Foreign(file, source) ?? Broken(source, e);
        }

        // Old exporters list the weights among the inputs.
        inputs.RemoveAll(port => weights.Contains(port.Name));
        return inputs.Count > 0 && outputs.Count > 0
            ? new OnnxSignature(inputs, outputs)
            : throw Foreign(file, source)
                ?? new ControlNetException($"{source} is not an ONNX graph: it has no inputs or no outputs.");
    }

    /// <summary>Inputs and outputs in one line, for messages.</summary>
    public override string ToString() => $"inputs {string.Join("; ", Inputs)}; outputs {string.Join("; ", Outputs)}";

    /// <summary>The error for a file that is not a valid graph.</summary>
    internal static ControlNetException Broken(string source, Exception e) =>
        new($"{source} is not an ONNX file, or it is damaged or cut off: {e.Message}.", e);

    /// <summary>The error for a file of another kind; null if that is not known.</summary>
    private static ControlNetException? Foreign(ReadOnlySpan<byte> file, string source) =>
        ForeignFile.RecogniseGraph(file[..Math.Min(file.Length, ForeignFile.StartLength)]) is { } kind
            ? new ControlNetException($"{source} {kind}.")
            : null;

    private static void ReadGraph(ReadOnlySpan<byte> graph, List<OnnxPort> inputs, List<OnnxPort> outputs, HashSet<string> weights)
    {
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field == OnnxFields.GraphInput)
                inputs.Add(OnnxFields.ReadPort(part.Body));
            else if (part.Field == OnnxFields.GraphOutput)
                outputs.Add(OnnxFields.ReadPort(part.Body));
            else if (part.Field == OnnxFields.GraphInitializer)
                weights.Add(OnnxFields.ReadText(part.Body, OnnxFields.InitializerName));
        }
    }
}
