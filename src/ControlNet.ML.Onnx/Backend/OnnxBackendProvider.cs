using System.Globalization;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

[assembly: BackendProvider(typeof(ControlNet.ML.Onnx.OnnxBackendProvider))]

namespace ControlNet.ML.Onnx;

/// <summary>
/// Networks that are ONNX graphs, on ONNX Runtime: model folders of optimum, OnnxStack, diffusers' scripts and <c>controlnet export</c>.
/// </summary>
public sealed class OnnxBackendProvider : IBackendProvider, IGraphReader
{
    /// <summary>
    /// Where and how the graphs run. <see cref="LoadOptions.Device"/>, where it is given, takes precedence over the providers.
    /// </summary>
    /// <value>On the CPU.</value>
    public OnnxSessionOptions Session { get; init; } = new();

    /// <inheritdoc/>
    public bool RunsGraphs => true;

    /// <inheritdoc/>
    /// <exception cref="ControlNetException">
    /// The model does not consist of graphs, or one of them is invalid or cannot be loaded.
    /// </exception>
    public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(options);
        return folder.Graphs is null
            ? throw NoGraphs(folder.Path)
            : OnnxBackend.Load(folder, SessionOptions(options), options.Progress, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ControlNetException">Always: weights are not graphs.</exception>
    public IControlBackend OpenControl(
        ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(weights);
        throw NoGraphs(weights.Files[0].Path);
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
        ControlNetConfig config, string path, OnnxSessionOptions session, LoadOptions options, CancellationToken cancellationToken)
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
            return new OnnxControlBackend(config, graph, encoder);
        }
        catch
        {
            graph?.Dispose();
            encoder?.Dispose();
            throw;
        }

        OnnxNetwork Open(string file) => new(file, file, session, typeof(ControlNetwork));
    }

    /// <summary>The session's options for a device: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, <c>directml</c>.</summary>
    private OnnxSessionOptions SessionOptions(LoadOptions options)
    {
        if (options.Precision != Precision.Float32)
            throw new ControlNetException(
                $"The precision is {options.Precision}, and ONNX graphs compute in the one that they were exported in: expected none "
                    + "(controlnet export --half writes float16 graphs).");
        if (options.Device is not { } device)
            return Session;
        var parts = device.Split(':');
        var index = 0;
        return parts.Length <= 2
            && (parts.Length == 1 || int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index))
                ? Session with { Providers = ExecutionProviders.Parse(parts[0]), Device = index }
                : throw new ControlNetException(
                    $"The device is {Message.Name(device)}, expected {Message.Choices(ExecutionProviders.Names)}, or one with the number "
                        + "of a GPU, such as cuda:1.");
    }

    private static ControlNetException NoGraphs(string path) => new(
        $"{path}: does not consist of ONNX graphs, which the runtime ControlNet.ML.Onnx runs: export it with 'controlnet export', or use "
            + "the runtime torch (package ControlNet.ML.Torch, --backend torch).");
}
