using System.Text;
using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Conversion;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Writes models and control networks as ONNX graphs, straight from their configurations and weights: neither libtorch nor Python is
/// needed. Files, inputs and outputs have the names that optimum gives them. The graphs have opset 17 and take any batch size, any image
/// size that the model takes and any number of tokens.
/// </summary>
public static class OnnxExporter
{
    /// <summary>Exports a model.</summary>
    /// <param name="modelNameOrPath">
    /// The name of an embedded model, a folder, a single file, or an id of the hub, <c>owner/name</c>.
    /// </param>
    /// <param name="folder">The folder to write, which must not exist yet, or be empty.</param>
    /// <param name="options">Types of the weights; null for the defaults.</param>
    /// <param name="progress">Progress from 0 to 1, on the calling thread; a download is not included.</param>
    /// <param name="cancellationToken">Stops the export; nothing is left behind.</param>
    /// <exception cref="ControlNetException">There is no such model, it is invalid, or the folder exists or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The export was cancelled.</exception>
    public static void Export(
        string modelNameOrPath, string folder, OnnxExportOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) => Export(
            ModelFolder.Open(ModelNames.FindModel(modelNameOrPath, cancellationToken: cancellationToken)),
            folder,
            options,
            progress,
            cancellationToken);

    /// <summary>Exports a model.</summary>
    /// <param name="model">The model; those of its networks that it was opened with are exported.</param>
    /// <param name="folder">The folder to write, which must not exist yet, or be empty.</param>
    /// <param name="options">Types of the weights; null for the defaults.</param>
    /// <param name="progress">Progress from 0 to 1, on the calling thread.</param>
    /// <param name="cancellationToken">Stops the export; nothing is left behind.</param>
    /// <exception cref="ControlNetException">The model is invalid, or the folder exists or cannot be written.</exception>
    /// <exception cref="ArgumentException">The options are those of a control network.</exception>
    /// <exception cref="OperationCanceledException">The export was cancelled.</exception>
    public static void Export(
        ModelFolder model, string folder, OnnxExportOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new OnnxExportOptions();
        if (options.Merge)
            throw new ArgumentException("Merge is set, expected a control network: a model has no condition encoder.", nameof(options));
        PartGraphs[] parts = [.. model.Networks.Select(part => PartGraphs.Of(model, part, options.Precision))];
        NewFolder.Write(folder, target =>
        {
            foreach (var (name, text) in Settings(model))
                WriteText(Path.Combine(target, name), text);
            var written = Reporter(progress, parts.Sum(part => part.WeightLength));
            foreach (var part in parts)
            {
                using var source = model.OpenWeights(part.Name);
                part.Write(target, source, written, cancellationToken);
            }
        });
    }

    /// <summary>Exports a control network.</summary>
    /// <param name="controlNameOrPath">
    /// MODEL/NETWORK of an embedded model, a folder, a file, or an id of the hub, <c>owner/name</c>.
    /// </param>
    /// <param name="folder">The folder to write, which must not exist yet, or be empty.</param>
    /// <param name="options">Types of the weights, one graph or two; null for the defaults.</param>
    /// <param name="progress">Progress from 0 to 1, on the calling thread; a download is not included.</param>
    /// <param name="cancellationToken">Stops the export; nothing is left behind.</param>
    /// <exception cref="ControlNetException">
    /// There is no such network, it is invalid, or the folder exists or cannot be written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The export was cancelled.</exception>
    public static void ExportControl(
        string controlNameOrPath, string folder, OnnxExportOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new OnnxExportOptions();
        var control = ControlSource.Open(ModelNames.FindControl(controlNameOrPath, cancellationToken: cancellationToken));
        var graphs = PartGraphs.Of(control.Config, options.Precision, options.Merge);
        NewFolder.Write(folder, target =>
        {
            WriteText(Path.Combine(target, "config.json"), control.Config.ToJson());
            using var source = control.OpenWeights();
            graphs.Write(target, source, Reporter(progress, graphs.WeightLength), cancellationToken);
        });
    }

    /// <summary>A model's settings: those of its folder, with the autoencoder's in the folders of its two graphs.</summary>
    private static IEnumerable<(string Name, string Text)> Settings(ModelFolder model)
    {
        foreach (var (name, text) in SettingsFiles.Of(model))
        {
            if (name == "vae/config.json")
            {
                yield return (PartGraphs.EncoderFolder + "/config.json", text);
                yield return (PartGraphs.DecoderFolder + "/config.json", text);
            }
            else
            {
                yield return (name, name.StartsWith("text_encoder", StringComparison.Ordinal) ? WithHiddenStates(text) : text);
            }
        }
    }

    /// <summary>Tells readers of optimum's folders that a text encoder has all hidden states as outputs.</summary>
    private static string WithHiddenStates(string config)
    {
        var json = JsonNode.Parse(config)!.AsObject().ToDictionary(entry => entry.Key, entry => entry.Value?.DeepClone());
        json["output_hidden_states"] = true;
        return ConfigJson.Write(json);
    }

    private static Action<long> Reporter(IProgress<double>? progress, long total)
    {
        var done = 0L;
        return bytes => progress?.Report((done += bytes) / (double)Math.Max(total, 1));
    }

    private static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }
}
