using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Onnx;

/// <summary>The graphs of a part of a model, or of a control network, by folder. Graphs of one folder share a file of weights.</summary>
/// <param name="Name">The part, whose weights are in one checkpoint.</param>
/// <param name="Folders">Folder names with the graphs' file names; an empty one is the exported folder itself.</param>
internal sealed record PartGraphs(
    string Name, IReadOnlyList<(string Folder, IReadOnlyList<(string File, NetworkGraph Graph)> Graphs)> Folders)
{
    /// <summary>The folders of the autoencoder's graphs.</summary>
    public const string EncoderFolder = "vae_encoder", DecoderFolder = "vae_decoder";

    /// <summary>The number of bytes of all weights, those that graphs share counted once.</summary>
    public long WeightLength => Folders.Sum(
        folder => folder.Graphs.SelectMany(entry => entry.Graph.Weights).DistinctBy(weight => weight.Name).Sum(weight => weight.Length));

    /// <summary>The graphs of a model's part.</summary>
    /// <param name="model">The model.</param>
    /// <param name="part"><c>unet</c>, <c>vae</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    /// <param name="precision">The types of weights and computation.</param>
    public static PartGraphs Of(ModelFolder model, string part, GraphPrecision precision) => new(part, part switch
    {
        "unet" =>
        [
            (part,
            [
                (GraphFolder.GraphName, UNet2DConditionGraph.Build(model.UNet, precision, takesResiduals: false)),
                (GraphFolder.ControlledName, UNet2DConditionGraph.Build(model.UNet, precision, takesResiduals: true)),
            ]),
        ],
        "vae" =>
        [
            (EncoderFolder, [(GraphFolder.GraphName, AutoencoderEncoderGraph.Build(model.Autoencoder, precision))]),
            (DecoderFolder, [(GraphFolder.GraphName, AutoencoderDecoderGraph.Build(model.Autoencoder, precision))]),
        ],
        "text_encoder" => [(part, [(GraphFolder.GraphName, ClipTextGraph.Build(model.TextEncoder, precision))])],
        _ => [(part, [(GraphFolder.GraphName, ClipTextGraph.Build(model.TextEncoder2!, precision))])],
    });

    /// <summary>The graphs of a control network.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    /// <param name="merged">Whether the condition encoder is part of the network's graph.</param>
    public static PartGraphs Of(ControlNetConfig config, GraphPrecision precision, bool merged)
    {
        var network = (GraphFolder.GraphName, ControlNetGraph.Build(config, precision, merged));
        return new("", merged
            ? [("", [network])]
            : [("", [network]), ("", [(GraphFolder.ConditionEncoderName, ConditionEncoderGraph.Build(config, precision))])]);
    }

    /// <summary>The graph of a control network's condition encoder alone.</summary>
    /// <param name="config">The configuration.</param>
    public static PartGraphs OfConditionEncoder(ControlNetConfig config) =>
        new("", [("", [(GraphFolder.ConditionEncoderName, ConditionEncoderGraph.Build(config, default))])]);

    /// <summary>Writes the graphs.</summary>
    /// <param name="target">The exported folder.</param>
    /// <param name="source">The weights.</param>
    /// <param name="written">Receives the number of bytes of weights written.</param>
    /// <param name="cancellationToken">Checked before each weight.</param>
    public void Write(string target, WeightSource source, Action<long> written, CancellationToken cancellationToken)
    {
        var weights = new GraphWeights(source, [.. Folders.SelectMany(folder => folder.Graphs).Select(entry => entry.Graph)]);
        foreach (var (folder, graphs) in Folders)
        {
            var path = Path.Combine(target, folder);
            Directory.CreateDirectory(path);
            GraphWriter.Write(path, graphs, weights, written, cancellationToken);
        }
    }
}
