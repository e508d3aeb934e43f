using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Weights;

/// <summary>
/// A control network on disk: a folder in diffusers' layout or a single file; or an ONNX graph, alone or built into a UNet's.
/// </summary>
internal sealed class ControlSource
{
    internal const string GraphEnding = ".onnx";

    private readonly Func<WeightSource>? _open;

    private ControlSource(ControlNetConfig config, Func<WeightSource>? open, string? graph) =>
        (Config, _open, Graph) = (config, open, graph);

    /// <summary>The configuration.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>The ONNX file, or the name of a network that is built into one (<see cref="BuiltInControl"/>); null for weights.</summary>
    public string? Graph { get; }

    /// <summary>The files that contain the weights, full paths in the order of their names.</summary>
    /// <exception cref="ControlNetException">They are invalid.</exception>
    public IReadOnlyList<string> Files
    {
        get
        {
            if (Graph is { } graph)
                return BuiltInControl.TryParse(graph, out var builtIn) ? UNetFiles(builtIn.Folder) : GraphFiles(graph);
            using var weights = OpenWeights();
            return [.. weights.Files.Select(file => file.Path)];
        }
    }

    /// <summary>Opens a network: reads its configuration and finds its weights.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="variant">The variant of a folder's weights, <c>fp16</c>; null for the plain files.</param>
    /// <param name="prefersGraph">Whether to use the graph of a folder that also has weights.</param>
    /// <exception cref="ControlNetException">It is missing, incomplete or invalid.</exception>
    public static ControlSource Open(string path, string? variant = null, bool prefersGraph = false)
    {
        if (BuiltInControl.TryParse(path, out var builtIn))
            return OfBuiltIn(path, builtIn);
        if (GraphOf(path, prefersGraph) is { } graph)
            return new ControlSource(GraphConfig(graph), null, graph);
        if (Directory.Exists(path))
        {
            var folder = ControlFolder.Open(path, variant);
            return new ControlSource(folder.Config, folder.OpenWeights, null);
        }

        var file = ControlFile.Open(path);
        return new ControlSource(file.Config, file.OpenWeights, null);
    }

    /// <summary>Opens a network as it is loaded, also a Control-LoRA, with its base.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="options">Variant, runtime, the base of a Control-LoRA.</param>
    /// <exception cref="ControlNetException">It is missing, incomplete or invalid, or a Control-LoRA without its base.</exception>
    public static ControlSource Open(string path, LoadOptions options)
    {
        if (!ControlLora.IsAt(path))
            return Open(path, options.Variant, Backends.PrefersGraphs(options.Backend));
        if (options.ControlBase is not { } name)
            throw new ControlNetException(
                $"{path}: is a Control-LoRA, which holds differences only: expected the model whose UNet it was made from "
                    + $"({nameof(LoadOptions)}.{nameof(LoadOptions.ControlBase)}).");
        var model = ModelFolder.Open(
            ModelNames.FindModel(name, options with { Progress = null }), options with { Parts = ModelParts.UNet, Vae = null });
        if (model.Graphs is not null)
            throw new ControlNetException($"{path}: is a Control-LoRA, which needs a base of weights; '{name}' is one of ONNX graphs.");
        var config = ControlLora.Config(path, model);
        return new ControlSource(config, () => ControlLora.OpenWeights(path, config, model), null);
    }

    /// <summary>The ONNX file that a path names: itself, or <c>model.onnx</c> of a folder without weights; null if there is none.</summary>
    /// <param name="path">A file or folder.</param>
    /// <param name="prefersGraph">Whether to use the graph of a folder that also has weights.</param>
    public static string? GraphOf(string path, bool prefersGraph = false)
    {
        if (!Directory.Exists(path))
            return IsGraph(path) ? path : null;
        var graph = Path.Combine(path, GraphFolder.GraphName);
        return File.Exists(graph) && (prefersGraph || PartFiles.Find(path, NetworkKind.ControlNetwork, null) is null) ? graph : null;
    }

    /// <summary>Whether a file's name is that of an ONNX graph.</summary>
    public static bool IsGraph(string file) => file.EndsWith(GraphEnding, StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens the weights, under diffusers' names.</summary>
    /// <exception cref="ControlNetException">They are invalid, or in an ONNX graph.</exception>
    public WeightSource OpenWeights() => _open is not null
        ? _open()
        : throw new ControlNetException(
            $"{Graph}: is an ONNX graph, whose weights cannot be read one by one: expected a folder or file of weights.");

    private static ControlNetConfig GraphConfig(string graph)
    {
        var kind = Backends.Graphs.Kind(graph);
        if (kind != GraphKind.ControlNetwork)
            throw new ControlNetException(
                $"{graph}: is {kind.InWords()}, expected a control network, which has the input controlnet_cond or controlnet_hint and "
                    + $"gives residuals: {Backends.Graphs.Describe(graph)}.");
        var path = Path.Combine(Path.GetDirectoryName(graph)!, "config.json");
        return File.Exists(path)
            ? ControlNetConfig.Parse(JsonText.ReadFile(path, path), path)
            : Backends.Graphs.Control(graph);
    }

    private static ControlSource OfBuiltIn(string name, BuiltInControl control)
    {
        var folder = OpenModel(control.Folder);
        if (folder.Graphs?.MergedUNetGraph is not { } graph)
            throw new ControlNetException($"{name}: the UNet of this model has no built-in control networks.");
        var count = Backends.Graphs.BuiltInControls(graph);
        if (control.Number > count)
            throw new ControlNetException(
                $"{name}: {folder.Graphs.Title(graph)} has {count} built-in control networks, expected a number up to that.");
        return new ControlSource(ControlNetConfig.FromUNet(folder.UNet), null, name);
    }

    private static ModelFolder OpenModel(string folder) => ModelFolder.Open(folder, parts: ModelParts.UNet);

    private static IReadOnlyList<string> UNetFiles(string folder) => OpenModel(folder).PartFiles("unet");

    /// <summary>The network's files, with those of its condition encoder, which may be beside it.</summary>
    private static List<string> GraphFiles(string graph)
    {
        var encoder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(graph))!, GraphFolder.ConditionEncoderName);
        var graphs = Backends.Graphs.Files(graph);
        return [.. (File.Exists(encoder) ? graphs.Concat(Backends.Graphs.Files(encoder)) : graphs).Distinct()];
    }
}
