using System.Globalization;
using System.Text.Json.Serialization;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Cli.Commands;

/// <summary>What ONNX graphs say of themselves: kind, inputs and outputs, size.</summary>
internal static class GraphReport
{
    /// <summary>Describes the graphs of a model, and checks that the files with their weights are there.</summary>
    public static GraphSummary[] OfModel(ModelFolder folder) =>
    [
        .. folder.Networks.Order(StringComparer.Ordinal).SelectMany(folder.Graphs!.GraphsOf)
            .Select(path => Summary(folder.Graphs.Title(path), path)),
    ];

    /// <summary>Shows a control network.</summary>
    /// <param name="terminal">Where to write.</param>
    /// <param name="name">Its name.</param>
    /// <param name="path">Its folder, its file, or its number in a model.</param>
    /// <param name="digest">The SHA-256 of its file, if it is known.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void ShowControl(Terminal terminal, string name, string path, string? digest, bool json)
    {
        var source = ControlSource.Open(path, prefersGraph: true);
        var (config, isBuiltIn) = (source.Config, BuiltInControl.TryParse(path, out _));
        GraphSummary[] graphs = isBuiltIn
            ? []
            : [.. source.Files.Where(file => ControlSource.GraphOf(file) is not null)
                .Select(file => Summary(Path.GetFileName(file), file))];
        ControlReport.Show(
            terminal, name, path, config, isBuiltIn ? " in the graph of a UNet" : "",
            [new("built_in", isBuiltIn), new("graphs", graphs)], graphs.Select(graph => graph.Line), digest, json);
    }

    /// <summary>Shows a file that is no control network.</summary>
    /// <param name="terminal">Where to write.</param>
    /// <param name="path">The file.</param>
    /// <param name="digest">Its SHA-256, if it is known.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void ShowFile(Terminal terminal, string path, string? digest, bool json)
    {
        var graph = Summary(Path.GetFileName(path), path);
        if (json)
        {
            Json.Print(
                terminal,
                new { name = path, path = Path.GetFullPath(path), graph, sha256 = digest, auto_v2 = FileReport.AutoV2(digest) });
            return;
        }

        terminal.Result($"{path}: ONNX graph, {graph.Kind}");
        terminal.Result($"  {graph.Signature}");
        FileReport.ShowDigest(terminal, digest);
    }

    private static GraphSummary Summary(string title, string path)
    {
        var files = Backends.Graphs.Files(path);
        if (files.FirstOrDefault(file => !File.Exists(file)) is { } missing)
            throw new ControlNetException($"{title}: has weights in {Message.Name(Path.GetFileName(missing))}, which is missing.");
        return new GraphSummary(
            title, Backends.Graphs.Kind(path).InWords(), files.Sum(file => LinkedFile.Of(file).Length), Backends.Graphs.Describe(path));
    }
}

/// <summary>A graph.</summary>
/// <param name="Name">Its path in the model's folder.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Bytes">The size of its file, and of those with its weights.</param>
/// <param name="Signature">Inputs and outputs.</param>
internal sealed record GraphSummary(string Name, string Kind, long Bytes, string Signature)
{
    [JsonIgnore]
    public string Line => string.Create(CultureInfo.InvariantCulture, $"  {Name,-26} {Bytes / 1e6,9:N1} MB, {Kind}");
}
