using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Onnx;

namespace ControlNet.ML.Onnx;

/// <summary>
/// An ONNX graph with one image input (and at most one integer input), run by Microsoft.ML.OnnxTransformer. The transformer needs all sizes
/// when it is created, so a graph with dynamic sizes is prepared again whenever the image size changes: consecutive images of one size are
/// fastest. Float16 graphs get casts at their inputs and outputs. ONNX Runtime itself may write warnings about a graph to the standard
/// error stream. Thread-safe; concurrent calls run one after the other.
/// </summary>
public sealed class OnnxGraph : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MLContext _context = new();
    private readonly string _file;
    private readonly TemporaryGraph? _temporary;
    private readonly OnnxRunOptions _options;
    private OnnxTransformer? _transformer;
    private string _prepared = "";
    private bool _disposed;

    private OnnxGraph(string source, string file, TemporaryGraph? temporary, OnnxSignature signature, OnnxRunOptions options) =>
        (Source, _file, _temporary, Signature, _options) = (source, file, temporary, signature, options);

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>Its inputs and outputs.</summary>
    public OnnxSignature Signature { get; }

    /// <summary>Opens a file. The weights are loaded with the first image.</summary>
    /// <param name="path">An ONNX file; weights in a second file are in the same folder.</param>
    /// <param name="options">Where it runs; null for the defaults.</param>
    /// <returns>The graph; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The file is missing or not an ONNX graph.</exception>
    public static OnnxGraph Open(string path, OnnxRunOptions? options = null)
    {
        using var file = MappedFile.Open(path);
        var signature = OnnxSignature.Read(file.Bytes, path);
        try
        {
            var temporary = HalfBorders.AreIn(file.Bytes) ? new TemporaryGraph(HalfBorders.Widen(file.Bytes, path)) : null;
            return new OnnxGraph(path, temporary?.Path ?? path, temporary, signature, options ?? new());
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw OnnxSignature.Broken(path, e);
        }
    }

    /// <summary>Opens a graph in memory.</summary>
    /// <param name="file">An ONNX file.</param>
    /// <param name="source">Its name, for errors.</param>
    /// <param name="options">Where it runs; null for the defaults.</param>
    /// <returns>The graph; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The data is not an ONNX graph.</exception>
    public static OnnxGraph Open(ReadOnlySpan<byte> file, string source, OnnxRunOptions? options = null)
    {
        var signature = OnnxSignature.Read(file, source);
        try
        {
            var used = UnusedWeights.Strip(file);
            var temporary = new TemporaryGraph(HalfBorders.AreIn(used) ? HalfBorders.Widen(used, source) : used);
            return new OnnxGraph(source, temporary.Path, temporary, signature, options ?? new());
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
    /// Shapes do not match, the native ONNX Runtime is missing, or the graph cannot be run.
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
            try
            {
                var data = Row(images, pixels, whole, tokens);
                return Read(Prepared(data, images, pixels, whole, tokens).Transform(data));
            }
            catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or BadImageFormatException)
            {
                throw new ControlNetException(
                    "The native ONNX Runtime is missing: add the package Microsoft.ML.OnnxRuntime (or Microsoft.ML.OnnxRuntime.Gpu).", e);
            }
            catch (Exception e) when (e is not (ControlNetException or OutOfMemoryException or OperationCanceledException))
            {
                // On a damaged graph ML.NET, protobuf and ONNX Runtime throw exceptions of any type.
                throw new ControlNetException($"{Source} cannot be run: {(e.InnerException ?? e).Message.Split('\n', 2)[0].Trim()}", e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _transformer?.Dispose();
            _temporary?.Dispose();
        }
    }

    private OnnxTransformer Prepared(IDataView data, OnnxPort images, TensorData pixels, OnnxPort? whole, long[]? tokens)
    {
        var sizes = pixels.ToString();
        if (_transformer is not null && sizes == _prepared)
            return _transformer;
        _transformer?.Dispose();
        _transformer = null;
        RuntimeLog.Prepare();
        Dictionary<string, int[]> shapes = new() { [HalfBorders.NameOf(images)] = pixels.Shape.ToArray() };
        if (whole is not null)
            shapes[whole.Name] = [1, tokens!.Length];
        _transformer = _context.Transforms.ApplyOnnxModel(new OnnxOptions
        {
            ModelFile = _file,
            InputColumns = [.. Signature.Inputs.Select(HalfBorders.NameOf)],
            OutputColumns = [.. Signature.Outputs.Select(HalfBorders.NameOf)],
            ShapeDictionary = shapes,
            GpuDeviceId = _options.GpuDevice,
            FallbackToCpu = _options.FallbackToCpu,
            IntraOpNumThreads = _options.Threads,
        }).Fit(data);
        _prepared = sizes;
        return _transformer;
    }

    private IDataView Row(OnnxPort images, TensorData pixels, OnnxPort? whole, long[]? tokens)
    {
        var definition = SchemaDefinition.Create(typeof(OnnxRow));
        var (imageColumn, wholeColumn) = (definition[nameof(OnnxRow.Pixels)], definition[nameof(OnnxRow.Tokens)]);
        imageColumn.ColumnName = HalfBorders.NameOf(images);
        imageColumn.ColumnType = new VectorDataViewType(NumberDataViewType.Single, pixels.Shape.ToArray());
        if (whole is null)
        {
            definition.Remove(wholeColumn);
        }
        else
        {
            wholeColumn.ColumnName = whole.Name;
            wholeColumn.ColumnType = new VectorDataViewType(NumberDataViewType.Int64, 1, tokens!.Length);
        }

        return _context.Data.LoadFromEnumerable([new OnnxRow { Pixels = pixels.Values, Tokens = tokens ?? [] }], definition);
    }

    private OnnxValue[] Read(IDataView scored)
    {
        using var cursor = scored.GetRowCursor(
            scored.Schema.Where(column => Signature.Outputs.Any(port => HalfBorders.NameOf(port) == column.Name)));
        if (!cursor.MoveNext())
            throw new InvalidOperationException("it gave no result");
        return [.. Signature.Outputs.Select(port =>
        {
            var column = scored.Schema[HalfBorders.NameOf(port)];
            return port.Element == OnnxElement.Int64
                ? new OnnxValue(port, [], Values<long>(cursor, column))
                : new OnnxValue(port, Values<float>(cursor, column), []);
        })];
    }

    private static T[] Values<T>(DataViewRowCursor cursor, DataViewSchema.Column column)
    {
        VBuffer<T> values = default;
        cursor.GetGetter<VBuffer<T>>(column)(ref values);
        return [.. values.DenseValues()];
    }

    private void Expect(OnnxPort port, ReadOnlySpan<int> shape)
    {
        var fits = port.Shape.Count == shape.Length;
        for (var i = 0; fits && i < shape.Length; i++)
            fits = port.Shape[i] < 0 || port.Shape[i] == shape[i];
        if (!fits)
            throw new ControlNetException($"{Source} takes {port}, got [{string.Join(", ", shape.ToArray())}].");
    }

    private sealed class OnnxRow
    {
        public float[] Pixels { get; set; } = [];

        public long[] Tokens { get; set; } = [];
    }
}
