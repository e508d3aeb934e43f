using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

[assembly: BackendProvider(typeof(ControlNet.ML.Onnx.OnnxBackendProvider))]

namespace ControlNet.ML.Onnx;

/// <summary>
/// Networks that are ONNX graphs, on ONNX Runtime: model folders of optimum, OnnxStack, diffusers' scripts and <c>controlnet export</c>.
/// A model of weights is exported into a temporary folder, which takes seconds and as much space as the weights in float32;
/// <see cref="OnnxExporter"/> does so once for all.
/// </summary>
public sealed class OnnxBackendProvider : IBackendProvider, IGraphReader
{
    // Of the progress, where weights are exported before they are loaded.
    private const double ExportShare = 0.5;

    /// <summary>
    /// Where and how the graphs run. <see cref="LoadOptions.Device"/>, where it is given, takes precedence over the providers.
    /// </summary>
    /// <value>On the CPU.</value>
    public OnnxSessionOptions Session { get; init; } = new();

    /// <inheritdoc/>
    public bool RunsGraphs => true;

    /// <inheritdoc/>
    /// <exception cref="ControlNetException">A graph is invalid or cannot be loaded, or the weights cannot be exported.</exception>
    public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(options);
        var session = SessionOptions(options);
        if (folder.Graphs is not null)
            return OnnxBackend.Load(folder, session, options.Progress, cancellationToken);

        SessionFactory.RequireProvider(folder.Path, session);
        var progress = options.Progress;
        return Exporting(exported =>
        {
            var path = Path.Combine(exported.Path, "model");
            OnnxExporter.Export(
                folder, path, options: null, progress is null ? null : new PartialProgress(progress, 0, ExportShare), cancellationToken);
            return OnnxBackend.Load(
                ModelFolder.Open(path, new LoadOptions { Parts = folder.Loaded, Backend = this }),
                session,
                progress is null ? null : new PartialProgress(progress, ExportShare, 1),
                cancellationToken,
                exported,
                folder.Path);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ControlNetException">The weights cannot be exported.</exception>
    public IControlBackend OpenControl(
        ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(options);
        var session = SessionOptions(options);
        SessionFactory.RequireProvider(weights.Name, session);
        return Exporting(exported =>
        {
            if (options.ConditionEncoderOnly)
            {
                weights.Keep(name => name.StartsWith(KeyMap.ConditionEncoderPrefix, StringComparison.Ordinal));
                PartGraphs.OfConditionEncoder(config).Write(exported.Path, weights, _ => { }, cancellationToken);
                var file = exported.File(GraphFolder.ConditionEncoderName);
                return new OnnxControlBackend(config, null, new OnnxNetwork(file, weights.Name, session, typeof(ControlNetwork)), exported);
            }

            PartGraphs.Of(config, default, merged: false).Write(exported.Path, weights, _ => { }, cancellationToken);
            return OpenControl(config, exported.File(GraphFolder.GraphName), session, options, cancellationToken, exported);
        });
    }

    /// <inheritdoc/>
    public IControlBackend OpenControlGraph(
        ControlNetConfig config, string path, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        var session = SessionOptions(options);
        if (BuiltInControl.TryParse(path, out var builtIn))
        {
            var graph = ModelFolder.Open(builtIn.Folder, parts: ModelParts.UNet).Graphs!.MergedUNetGraph!;
            return new BuiltInControlBackend(config, Path.GetFullPath(graph), builtIn.Number - 1, path);
        }

        return OpenControl(config, path, session, options, cancellationToken);
    }

    GraphKind IGraphReader.Kind(string path) => GraphReader.Kind(OnnxSignature.Read(path));

    IReadOnlyList<string> IGraphReader.Files(string path) => GraphReader.Files(GraphOutline.Read(path));

    string IGraphReader.Describe(string path) => OnnxSignature.Read(path).ToString();

    UNetConfig IGraphReader.UNet(string path) => GraphReader.UNet(GraphOutline.Read(path));

    ClipTextConfig IGraphReader.TextEncoder(string path, bool hasProjection) =>
        GraphReader.TextEncoder(GraphOutline.Read(path), hasProjection);

    ControlNetConfig IGraphReader.Control(string path) => GraphReader.Control(GraphOutline.Read(path));

    int IGraphReader.LatentChannels(string path) =>
        GraphReader.Size(OnnxSignature.Read(path).Inputs[0], 1) ?? AutoencoderConfig.StableDiffusion15.LatentChannels;

    int IGraphReader.BuiltInControls(string path) => GraphReader.Size(OnnxSignature.Read(path).Inputs.Find(GraphNames.Conditions), 0) ?? 1;

    bool IGraphReader.DrawsLatents(string path) => OnnxSignature.Read(path).Outputs[0] is var output
        && (GraphReader.Size(output, 1) is { } channels
            ? channels == AutoencoderConfig.StableDiffusion15.LatentChannels
            : output.Name == GraphNames.Latents);

    private static OnnxControlBackend OpenControl(
        ControlNetConfig config, string path, OnnxSessionOptions session, LoadOptions options, CancellationToken cancellationToken,
        IDisposable? files = null)
    {
        ControlGraph? graph = null;
        OnnxNetwork? encoder = null;
        try
        {
            var network = Open(path);
            graph = new ControlGraph(network, config);
            if (graph.TakesHint)
            {
                var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, GraphFolder.ConditionEncoderName);
                encoder = File.Exists(beside)
                    ? Open(beside)
                    : throw new ControlNetException(
                        $"{path}: takes the encoded condition, and its condition encoder, {GraphFolder.ConditionEncoderName}, is missing: "
                            + "expected it in the same folder.");
                cancellationToken.ThrowIfCancellationRequested();
                encoder.Load();
            }

            if (options.ConditionEncoderOnly)
            {
                graph.Dispose();
                graph = null;
            }
            else
            {
                cancellationToken.ThrowIfCancellationRequested();
                graph.Network.Load();
            }

            options.Progress?.Report(1);
            return new OnnxControlBackend(config, graph, encoder, files);
        }
        catch
        {
            graph?.Dispose();
            encoder?.Dispose();
            throw;
        }

        OnnxNetwork Open(string file) => new(file, file, session, typeof(ControlNetwork));
    }

    /// <summary>The session's options, on the device that is asked for.</summary>
    private OnnxSessionOptions SessionOptions(LoadOptions options)
    {
        if (options.Precision is not (Precision.Float32 or Precision.Auto))
            throw new ControlNetException(
                $"The precision is {options.Precision}, and ONNX graphs compute in the one that they were exported in: expected none "
                    + "(controlnet export --half writes float16 graphs).");
        if (options.Kernels == KernelChoice.Measured)
            throw new ControlNetException("Measured kernels are libtorch's, and ONNX Runtime has its own: expected none, or plain.");
        if (options.VaePrecision is not (null or Precision.Float32 or Precision.Auto))
            throw new ControlNetException(
                $"The autoencoder's precision is {options.VaePrecision}, and ONNX graphs compute in the one that they were exported in: "
                    + "expected none.");
        if (options.Tiling || options.LowMemory)
            throw new ControlNetException(
                $"{(options.Tiling ? "Tiling" : "Low memory")} needs layers that run one by one, and ONNX graphs run whole: expected "
                    + "neither tiling nor low memory, or the runtime torch (--backend torch).");
        if (options.Device is not { } text)
            return Session;
        var device = OnnxDevice.Parse(text);
        return Session with { Providers = device.Providers, Device = device.Index };
    }

    /// <summary>Opens networks whose graphs are in a temporary folder, which they own.</summary>
    private static T Exporting<T>(Func<ScratchFolder, T> open)
    {
        var exported = ScratchFolder.Create();
        try
        {
            return open(exported);
        }
        catch
        {
            exported.Dispose();
            throw;
        }
    }
}
