using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Runs a session many times with values that stay where its provider computes: an input that is the same value as in the last run is not
/// copied to the device again, and outputs can stay on the device, as inputs of another session. On the CPU nothing is copied at all:
/// inputs are read where they are, and outputs written where the caller wants them. Not thread-safe; several of these can share a session.
/// </summary>
internal sealed class BoundSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string _source;
    private readonly OrtIoBinding _binding;
    private readonly Dictionary<string, OrtValue> _inputs = [];
    private readonly Dictionary<string, OrtMemoryInfo> _devices;

    /// <summary>Prepares the runs of a session.</summary>
    /// <param name="session">The session, which the caller disposes after this.</param>
    /// <param name="source">The graph's name, for errors.</param>
    public BoundSession(InferenceSession session, string source)
    {
        ArgumentNullException.ThrowIfNull(session);
        (_session, _source) = (session, source);
        _binding = session.CreateIoBinding();
        _devices = session.OutputNames.Zip(session.GetMemoryInfosForOutputs()).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">
    /// The value of each input, by name. A value that was there in the last run must have the same contents: it may be on the device
    /// already.
    /// </param>
    /// <param name="outputs">The outputs to compute.</param>
    /// <param name="cancellationToken">Ends the run between two operations.</param>
    /// <returns>
    /// Their values, in this order; the caller disposes them. The values given as <see cref="BoundOutput.Into"/> are among them, as other
    /// objects with the same memory.
    /// </returns>
    /// <exception cref="ControlNetException">
    /// A name is none of the graph's, a type or a shape is not the one that it takes, or ONNX Runtime fails.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyList<BoundOutput> outputs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        cancellationToken.ThrowIfCancellationRequested();
        SignalStack.MakeRoom();
        try
        {
            Bind(inputs);
            _binding.ClearBoundOutputs();
            foreach (var output in outputs)
                Bind(output);
            using var options = new RunOptions();
            using var ending = cancellationToken.Register(() => options.Terminate = true);
            return _session.RunWithBoundResults(options, _binding);
        }
        catch (Exception e) when (e is OnnxRuntimeException or ArgumentException)
        {
            // After a failure nothing is known about what is bound.
            _binding.ClearBoundInputs();
            _inputs.Clear();
            cancellationToken.ThrowIfCancellationRequested();
            throw new ControlNetException($"{_source} cannot be run: {RuntimeErrors.Text(e)}.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _binding.Dispose();

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

    private void Bind(BoundOutput output)
    {
        if (output.Into is not null)
            _binding.BindOutput(output.Name, output.Into);
        else if (!output.StaysOnDevice)
            _binding.BindOutputToDevice(output.Name, OrtMemoryInfo.DefaultInstance);
        else if (_devices.TryGetValue(output.Name, out var device))
            _binding.BindOutputToDevice(output.Name, device);
        else
            throw new ArgumentException($"it has no output {Message.Name(output.Name)}");
    }
}
