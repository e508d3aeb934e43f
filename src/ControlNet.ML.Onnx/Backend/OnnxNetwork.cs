using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// A network that is one graph. Opening reads and checks the file; the weights are loaded with <see cref="Load"/> or with the first run.
/// Thread-safe.
/// </summary>
internal sealed class OnnxNetwork : IDisposable
{
    private readonly Lock _loading = new(), _running = new();
    private readonly UseCount _use;
    private readonly string _path;
    private readonly OnnxSessionOptions _options;
    private InferenceSession? _session;
    private BoundSession? _bound;

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="title">Its name in messages, <c>unet/model.onnx</c>.</param>
    /// <param name="options">Where and how it runs.</param>
    /// <param name="owner">The type that users know, for the exception after it is disposed.</param>
    /// <exception cref="ControlNetException">The file or its external weights are missing, cut off or damaged.</exception>
    public OnnxNetwork(string path, string title, OnnxSessionOptions options, Type owner)
    {
        (_path, Title, _options, _use) = (path, title, options, new UseCount(owner));
        using var file = MappedFile.Open(path);
        Signature = OnnxSignature.Read(file.Bytes, path);
        ExternalWeights.Check(file.Bytes, Path.GetDirectoryName(Path.GetFullPath(path))!, path);
    }

    /// <summary>The file's name in messages.</summary>
    public string Title { get; }

    /// <summary>Inputs and outputs.</summary>
    public OnnxSignature Signature { get; }

    /// <summary>Whether the weights are loaded.</summary>
    public bool IsLoaded => _session is not null;

    /// <summary>Loads the weights.</summary>
    /// <exception cref="ControlNetException">They cannot be loaded, or there is no native runtime.</exception>
    public void Load() => Session();

    /// <summary>Frees the weights; the next run loads them again.</summary>
    public void Unload()
    {
        lock (_running)
        {
            lock (_loading)
            {
                _bound?.Dispose();
                _session?.Dispose();
                (_bound, _session) = (null, null);
            }
        }
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">
    /// The value of each input, by name. One that was there in the last run has the same contents: it stays on the provider's device.
    /// </param>
    /// <param name="outputs">The outputs to compute.</param>
    /// <returns>Their values in the CPU's memory, in this order; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">ONNX Runtime fails.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, OrtValue> inputs, params IReadOnlyList<OnnxPort> outputs) => Run(inputs, outputs, onDevice: false);

    /// <inheritdoc cref="Run(IReadOnlyDictionary{string, OrtValue}, IReadOnlyList{OnnxPort})"/>
    /// <param name="inputs">The value of each input, by name.</param>
    /// <param name="outputs">The outputs to compute.</param>
    /// <param name="onDevice">Whether the values stay where they are computed, for the graph that <see cref="Feeds"/> names.</param>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyList<OnnxPort> outputs, bool onDevice) =>
        WithSession(session => session.Run(inputs, outputs.Select(port => port.Name), onDevice));

    /// <summary>Whether outputs of this graph are inputs of another one as they are: with the same types, and in the same memory.</summary>
    /// <param name="outputs">The outputs.</param>
    /// <param name="other">The other graph.</param>
    /// <param name="inputs">Its inputs, in the same order.</param>
    /// <exception cref="ControlNetException">A graph cannot be loaded.</exception>
    /// <exception cref="ObjectDisposedException">A network is disposed.</exception>
    public bool Feeds(IReadOnlyList<OnnxPort> outputs, OnnxNetwork other, IReadOnlyList<OnnxPort> inputs) =>
        outputs.Zip(inputs).All(pair => pair.First.Element == pair.Second.Element)
        && WithSession(session => outputs.Select(port => session.PlaceOfOutput(port.Name)).ToList()).SequenceEqual(
            other.WithSession(session => inputs.Select(port => session.PlaceOfInput(port.Name)).ToList()));

    /// <summary>An input or output that must be there.</summary>
    /// <param name="ports">Inputs or outputs.</param>
    /// <param name="what">What it is in messages, <c>the input sample</c>.</param>
    /// <param name="names">Its possible names.</param>
    /// <exception cref="ControlNetException">It is not there.</exception>
    public OnnxPort Require(IReadOnlyList<OnnxPort> ports, string what, params ReadOnlySpan<string> names) =>
        ports.Find(names)
            ?? throw new ControlNetException($"{Title}: has no {what}, expected a graph of another kind: it has {Signature}.");

    /// <summary>Throws if the graph has an input that is not among those that are given.</summary>
    /// <exception cref="ControlNetException">It has one.</exception>
    public void RequireKnown(IEnumerable<OnnxPort?> known)
    {
        var names = known.Select(port => port?.Name).ToHashSet();
        if (Signature.Inputs.FirstOrDefault(port => !names.Contains(port.Name)) is { } other)
            throw new ControlNetException(
                $"{Title}: has the input {other}, for which there is no value: expected a graph of another kind.");
    }

    public void Dispose() => _use.Close(Unload);

    private T WithSession<T>(Func<BoundSession, T> use)
    {
        _use.Enter();
        try
        {
            // Several models may share a control network, each with its own gate.
            lock (_running)
                return use(_bound ??= new BoundSession(Session(), Title));
        }
        finally
        {
            _use.Leave();
        }
    }

    /// <summary>The session, which is loaded first if need be.</summary>
    /// <exception cref="ControlNetException">The weights cannot be loaded, or there is no native runtime.</exception>
    internal InferenceSession Session()
    {
        lock (_loading)
            return _session ??= SessionFactory.Open(_path, _options);
    }
}
