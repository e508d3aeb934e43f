using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ControlNet.ML.Onnx;

/// <summary>
/// An ONNX graph with one image input (and at most one integer input), of float32 or float16. ONNX Runtime itself may write warnings about
/// a graph to the standard error stream. Thread-safe; concurrent calls run one after the other.
/// </summary>
public sealed class OnnxGraph : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Func<InferenceSession> _open;
    private InferenceSession? _session;
    private bool _disposed;

    private OnnxGraph(string source, OnnxSignature signature, Func<InferenceSession> open) =>
        (Source, Signature, _open) = (source, signature, open);

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>Its inputs and outputs.</summary>
    public OnnxSignature Signature { get; }

    /// <summary>Opens a file. The weights are loaded with the first image.</summary>
    /// <param name="path">An ONNX file; weights in other files are in the same folder.</param>
    /// <param name="options">Where and how it runs; null for the defaults.</param>
    /// <returns>The graph; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The file is missing or not an ONNX graph.</exception>
    public static OnnxGraph Open(string path, OnnxSessionOptions? options = null)
    {
        var settings = options ?? new();
        return new OnnxGraph(path, OnnxSignature.Read(path), () => SessionFactory.Open(path, settings));
    }

    /// <summary>Opens a graph in memory.</summary>
    /// <param name="file">An ONNX file.</param>
    /// <param name="source">Its name, for errors.</param>
    /// <param name="options">Where and how it runs; null for the defaults.</param>
    /// <returns>The graph; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The data is not an ONNX graph.</exception>
    public static OnnxGraph Open(ReadOnlySpan<byte> file, string source, OnnxSessionOptions? options = null)
    {
        var signature = OnnxSignature.Read(file, source);
        try
        {
            var (used, settings) = (UnusedWeights.Strip(file), options ?? new());
            return new OnnxGraph(source, signature, () => SessionFactory.Open(used, source, settings));
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw OnnxSignature.Broken(source, e);
        }
    }

    /// <summary>Runs it.</summary>
    /// <param name="pixels">The image, in the shape of the graph's input.</param>
    /// <param name="tokens">The integer input, one row; null if the graph has none.</param>
    /// <returns>All outputs, in the graph's order.</returns>
    /// <exception cref="ControlNetException">
    /// Shapes do not match, the native ONNX Runtime or the execution provider is missing, or the graph cannot be run.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The graph is disposed.</exception>
    public IReadOnlyList<OnnxValue> Run(TensorData pixels, long[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        var images = Signature.Inputs.FirstOrDefault(port => port.Element is OnnxElement.Single or OnnxElement.Half)
            ?? throw new ControlNetException($"{Source} has no float input: {Signature}.");
        Expect(images, pixels.Shape);
        var whole = Signature.Inputs.FirstOrDefault(port => port.Element == OnnxElement.Int64);
        if (whole is null == tokens is not null || Signature.Inputs.Count != (whole is null ? 1 : 2))
            throw new ControlNetException(
                $"{Source} has other inputs than an image{(tokens is null ? "" : " and integers")}: {Signature}.");

        SignalStack.MakeRoom();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _session ??= _open();
            try
            {
                using var image = Image(images, pixels);
                using var integers = whole is null ? null : OrtValue.CreateTensorValueFromMemory(tokens!, [1, tokens!.Length]);
                using var options = new RunOptions();
                using var results = _session.Run(
                    options,
                    whole is null ? [images.Name] : [images.Name, whole.Name],
                    integers is null ? [image] : [image, integers],
                    [.. Signature.Outputs.Select(port => port.Name)]);
                return [.. Signature.Outputs.Zip(results, Read)];
            }
            catch (Exception e) when (e is not (ControlNetException or OutOfMemoryException))
            {
                // On a damaged graph ONNX Runtime throws exceptions of several types.
                throw new ControlNetException($"{Source} cannot be run: {RuntimeErrors.Text(e)}.", e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _session?.Dispose();
            _session = null;
        }
    }

    /// <summary>An image input's value; the caller disposes it.</summary>
    internal static OrtValue Image(OnnxPort port, TensorData pixels)
    {
        var shape = Array.ConvertAll(pixels.Shape.ToArray(), size => (long)size);
        if (port.Element == OnnxElement.Single)
            return OrtValue.CreateTensorValueFromMemory(pixels.Values, shape);
        var halves = new Float16[pixels.Values.Length];
        TensorPrimitives.ConvertToHalf(pixels.Values, MemoryMarshal.Cast<Float16, Half>(halves.AsSpan()));
        return OrtValue.CreateTensorValueFromMemory(halves, shape);
    }

    private OnnxValue Read(OnnxPort port, OrtValue value)
    {
        if (!value.IsTensor)
            throw new ControlNetException($"{Source} has the output {port}, expected a tensor.");
        var element = value.GetTensorTypeAndShape().ElementDataType;
        return element switch
        {
            TensorElementType.Float => new OnnxValue(port, value.GetTensorDataAsSpan<float>().ToArray(), []),
            TensorElementType.Float16 => new OnnxValue(port, Singles(value.GetTensorDataAsSpan<Float16>()), []),
            TensorElementType.Int64 => new OnnxValue(port, [], value.GetTensorDataAsSpan<long>().ToArray()),
            _ => throw new ControlNetException($"{Source} has the output {port} of {element}, expected float32, float16 or int64."),
        };
    }

    private static float[] Singles(ReadOnlySpan<Float16> halves)
    {
        var values = new float[halves.Length];
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<Float16, Half>(halves), values);
        return values;
    }

    private void Expect(OnnxPort port, ReadOnlySpan<int> shape)
    {
        var fits = port.Shape.Count == shape.Length;
        for (var i = 0; fits && i < shape.Length; i++)
            fits = port.Shape[i] < 0 || port.Shape[i] == shape[i];
        if (!fits)
            throw new ControlNetException($"{Source} takes {port}, got [{string.Join(", ", shape.ToArray())}].");
    }
}
