using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The UNets of a model: plain, with inputs for residuals, or with built-in control networks. Only one has its weights loaded at a time:
/// the plain one until a control network is used, then the one that takes residuals, which also makes images without control networks.
/// </summary>
internal sealed class UNetChoice : IDisposable
{
    private readonly Lock _choosing = new();
    private readonly Lazy<UNetGraph>? _plain, _controlled, _merged;
    private readonly Lazy<int> _multiple;
    private UNetGraph? _used;

    /// <summary>Opens the UNets of a model.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="open">Opens a graph.</param>
    public UNetChoice(ModelFolder folder, Func<string, OnnxNetwork> open)
    {
        var graphs = folder.Graphs!;
        _plain = Graph(graphs.UNetGraph);
        _controlled = Graph(graphs.ControlledUNetGraph);
        _merged = Graph(graphs.MergedUNetGraph);
        MergedPath = graphs.MergedUNetGraph is { } path ? Path.GetFullPath(path) : null;
        _multiple = new(() => GraphReader.LatentMultiple(GraphOutline.Read(graphs.AnyUNetGraph)));

        Lazy<UNetGraph>? Graph(string? path) => path is null ? null : new(() => new UNetGraph(open(path), folder.UNet));
    }

    /// <summary>The full path of the UNet with built-in control networks; null if the model has none, or also has another.</summary>
    public string? MergedPath { get; }

    /// <summary>Any of the UNets, without loading its weights.</summary>
    public UNetGraph Any => (_plain ?? _controlled ?? _merged)!.Value;

    /// <summary>The multiple that the sides of latents must be of.</summary>
    public int LatentMultiple => _multiple.Value;

    /// <summary>The UNet for images, with its weights loaded.</summary>
    /// <param name="hasControls">Whether there are control networks.</param>
    /// <param name="areBuiltIn">Whether they are built into the UNet.</param>
    /// <exception cref="ControlNetException">There is no such UNet, or it cannot be loaded.</exception>
    public UNetGraph For(bool hasControls, bool areBuiltIn)
    {
        lock (_choosing)
        {
            var graph = areBuiltIn || (_plain ?? _controlled) is null ? _merged
                : hasControls ? _controlled
                : _controlled is { IsValueCreated: true, Value.Network.IsLoaded: true } ? _controlled
                : _plain ?? _controlled;
            if (graph is null)
                throw new ControlNetException(
                    areBuiltIn
                        ? "The control network is built into the UNet of another model."
                        : $"{Any.Network.Title}: takes no residuals, so the model has no use for control networks: expected a UNet with "
                            + "the inputs down_block_0_additional_residual and so on beside it, as unet/controlnet.onnx, which "
                            + "'controlnet export' writes, or as controlnet/model.onnx.");
            if (_used != graph.Value)
                _used?.Network.Unload();
            _used = graph.Value;
            _used.Network.Load();
            return _used;
        }
    }

    /// <summary>Whether a UNet has built-in control networks.</summary>
    public bool IsMerged(UNetGraph graph) => _merged is { IsValueCreated: true } merged && merged.Value == graph;

    public void Dispose()
    {
        foreach (var graph in new[] { _plain, _controlled, _merged })
        {
            if (graph is { IsValueCreated: true })
                graph.Value.Dispose();
        }
    }
}
