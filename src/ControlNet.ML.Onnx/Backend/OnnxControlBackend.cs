using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// A control network that is a graph. If its condition encoder is a graph of its own, conditions are encoded once; otherwise the condition
/// itself is the hint, and the graph encodes it in every step.
/// </summary>
internal sealed class OnnxControlBackend : IControlBackend
{
    private readonly UseCount _use = new(typeof(ControlNetwork));
    private readonly ControlGraph? _graph;
    private readonly IDisposable? _files;
    private readonly OnnxNetwork? _encoder;

    /// <summary>Combines graphs.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="graph">The network; null if only its condition encoder is used.</param>
    /// <param name="encoder">The condition encoder; null if the graph takes conditions.</param>
    /// <param name="files">The graphs' files, disposed with the network; null if they stay.</param>
    public OnnxControlBackend(ControlNetConfig config, ControlGraph? graph, OnnxNetwork? encoder, IDisposable? files = null) =>
        (Config, _graph, _encoder, _files) = (config, graph, encoder, files);

    public ControlNetConfig Config { get; }

    /// <summary>The network.</summary>
    public ControlGraph Graph => _graph
        ?? throw new InvalidOperationException($"The control network was loaded with its condition encoder alone "
            + $"({nameof(LoadOptions)}.{nameof(LoadOptions.ConditionEncoderOnly)}).");

    /// <summary>A network of this runtime.</summary>
    /// <exception cref="ArgumentException">It is another's.</exception>
    public static OnnxControlBackend Of(IControlBackend network) => network as OnnxControlBackend
        ?? throw (network is BuiltInControlBackend builtIn
            ? new ControlNetException(
                $"{builtIn.Title} is built into the UNet of another model: expected a control network that is a graph of its own.")
            : new ArgumentException(
                $"A control network of another runtime ({network.GetType().Name}) cannot run with a model of ONNX graphs."));

    /// <summary>Throws if the network does not fit a UNet.</summary>
    /// <exception cref="ControlNetException">It does not.</exception>
    public void CheckFor(UNetGraph unet, DenoiserInputs inputs)
    {
        var (title, residuals) = (Graph.Network.Title, Graph.Residuals);
        if (unet.Residuals.Count != residuals.Count)
            throw new ControlNetException(
                $"{title}: gives {residuals.Count} residuals, and {unet.Network.Title} takes {unet.Residuals.Count}: expected a control "
                    + "network of the model's family.");
        foreach (var (given, taken) in residuals.Zip(unet.Residuals))
        {
            if (GraphReader.Size(given, 1) is { } found && GraphReader.Size(taken, 1) is { } expected && found != expected)
                throw new ControlNetException(
                    $"{title}: gives {given}, and {unet.Network.Title} takes {taken}: expected a control network of the model's family.");
        }

        Graph.Check(inputs);
        Graph.Network.Load();
    }

    public IReadOnlyList<int> HintShape(int width, int height) => _encoder is null
        ? [1, Config.ConditioningChannels, height, width]
        : [1, Config.BlockOutChannels[0], height / Config.ConditionScale, width / Config.ConditionScale];

    public TensorData EncodeCondition(TensorData condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        if (_encoder is null)
            return condition;
        var input = _encoder.Require(_encoder.Signature.Inputs, "input controlnet_cond", GraphNames.Condition);
        using var value = OnnxTensors.Create(input, condition.Values, condition.Shape);
        using var outputs = _encoder.Run(new Dictionary<string, OrtValue> { [input.Name] = value }, _encoder.Signature.Outputs[0]);
        return outputs[0].ToData();
    }

    public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(hint);
        Graph.Check(inputs);
        using var kept = new KeptInputs();
        using var outputs = Run(kept, inputs, hint, sample, timestep, [.. Enumerable.Range(0, sample.Shape[0])], scale: 1);
        return [.. outputs.Select(output => output.ToData())];
    }

    /// <inheritdoc cref="ControlGraph.Run"/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        KeptInputs kept, DenoiserInputs inputs, TensorData hint, TensorData sample, double timestep, int[] rows, double scale,
        bool onDevice = false)
    {
        _use.Enter();
        try
        {
            return Graph.Run(kept, inputs, hint, sample, timestep, rows, scale, onDevice);
        }
        finally
        {
            _use.Leave();
        }
    }

    public void Dispose() => _use.Close(() =>
    {
        _graph?.Dispose();
        _encoder?.Dispose();
        _files?.Dispose();
    });
}
