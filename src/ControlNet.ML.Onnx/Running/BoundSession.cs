using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Runs a session many times: an input that is the same value as in the last run stays on the provider's device, and so do outputs that
/// another session reads. On the CPU nothing is copied at all. Not thread-safe.
/// </summary>
internal sealed class BoundSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string _source;
    private readonly OrtIoBinding _binding;
    private readonly Dictionary<string, OrtValue> _inputs = [];
    private IDisposableReadOnlyCollection<OrtMemoryInfo>? _inputPlaces, _outputPlaces;

    /// <summary>Prepares the runs of a session.</summary>
    /// <param name="session">The session, which the caller disposes after this.</param>
    /// <param name="source">The graph's name, for errors.</param>
    public BoundSession(InferenceSession session, string source)
    {
        ArgumentNullException.ThrowIfNull(session);
        (_session, _source, _binding) = (session, source, session.CreateIoBinding());
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">
    /// The value of each input, by name. A value that was there in the last run must have the same contents: it may be on the device
    /// already.
    /// </param>
    /// <param name="outputs">The names of the outputs to compute.</param>
    /// <param name="onDevice">Whether their values stay where they are computed; otherwise they are in the CPU's memory.</param>
    /// <returns>Their values, in this order; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">
    /// A name is none of the graph's, a type or a shape is not the one that it takes, or ONNX Runtime fails.
    /// </exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, OrtValue> inputs, IEnumerable<string> outputs, bool onDevice = false)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        SignalStack.MakeRoom();
        try
        {
            Bind(inputs);
            _binding.ClearBoundOutputs();
            foreach (var output in outputs)
                _binding.BindOutputToDevice(output, onDevice ? PlaceOfOutput(output) : OrtMemoryInfo.DefaultInstance);
            using var options = new RunOptions();
            return _session.RunWithBoundResults(options, _binding);
        }
        catch (Exception e) when (e is OnnxRuntimeException or ArgumentException)
        {
            // After a failure nothing is known about what is bound.
            _binding.ClearBoundInputs();
            _inputs.Clear();
            throw new ControlNetException($"{_source} cannot be run: {RuntimeErrors.Text(e)}.", e);
        }
    }

    /// <summary>The memory that the graph reads an input from.</summary>
    /// <param name="name">The input's name.</param>
    public OrtMemoryInfo PlaceOfInput(string name) =>
        Place(_inputPlaces ??= _session.GetMemoryInfosForInputs(), _session.InputNames, name);

    /// <summary>The memory that an output is computed in.</summary>
    /// <param name="name">The output's name.</param>
    public OrtMemoryInfo PlaceOfOutput(string name) =>
        Place(_outputPlaces ??= _session.GetMemoryInfosForOutputs(), _session.OutputNames, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        _binding.Dispose();
        _inputPlaces?.Dispose();
        _outputPlaces?.Dispose();
    }

    private static OrtMemoryInfo Place(IReadOnlyList<OrtMemoryInfo> places, IReadOnlyList<string> names, string name) =>
        names.ToList().IndexOf(name) is >= 0 and var at ? places[at] : throw new ArgumentException($"There is no {name}.", nameof(name));

    private void Bind(IReadOnlyDictionary<string, OrtValue> inputs)
    {
        if (_inputs.Keys.Any(name => !inputs.ContainsKey(name)))
        {
            _binding.ClearBoundInputs();
            _inputs.Clear();
        }

        foreach (var (name, value) in inputs)
        {
            if (_inputs.TryGetValue(name, out var bound) && ReferenceEquals(bound, value))
                continue;
            _binding.BindInput(name, value);
            _inputs[name] = value;
        }
    }
}
