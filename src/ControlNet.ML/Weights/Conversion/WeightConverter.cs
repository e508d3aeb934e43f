using System.Text;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights.Conversion;

/// <summary>
/// Converts models and control networks between diffusers' folders and single files in the original naming. The tensors keep their bits,
/// unless another element type is asked for; results appear under their names only when they are complete.
/// </summary>
public static class WeightConverter
{
    /// <summary>Writes a model as a folder in diffusers' layout.</summary>
    /// <param name="model">The model; all of its networks must be there.</param>
    /// <param name="folder">The folder, which must not exist yet.</param>
    /// <param name="options">Element type, progress; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="ControlNetException">The model is invalid, or the folder exists or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The conversion was cancelled.</exception>
    public static void ToFolder(
        ModelFolder model, string folder, ConvertOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options = Checked(options);
        NewFolder.Write(folder, target =>
        {
            foreach (var (name, text) in SettingsFiles.Of(model))
                WriteText(Path.Combine(target, name), text);
            var progress = new ByteProgress(options.Progress, model.Networks.Sum(model.PartLength));
            foreach (var part in model.Networks)
            {
                using var weights = model.OpenWeights(part);
                var path = Path.Combine(target, part, ModelFolder.KindOf(part).FileName() + ".safetensors");
                SafetensorsWriter.Write(
                    path,
                    WeightLoader.Match(weights, model.MapOf(part))
                        .Select(tensor => ConvertedTensor.Of(tensor.Name, tensor.Shape, tensor, options.Type, progress.Add)),
                    cancellation: cancellationToken);
            }
        });
    }

    /// <summary>
    /// Writes a model as one file in the original naming of its family. The settings of its folder are in the header's metadata, so that
    /// this library reads it without guessing; others ignore them.
    /// </summary>
    /// <param name="model">The model; all of its networks must be there.</param>
    /// <param name="file">The file, <c>.safetensors</c>; an existing one is replaced.</param>
    /// <param name="options">Element type, progress; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the writing; an existing file is then unchanged.</param>
    /// <exception cref="ControlNetException">The model is invalid, or the file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The conversion was cancelled.</exception>
    public static void ToFile(
        ModelFolder model, string file, ConvertOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options = Checked(options);
        var sources = new List<WeightSource>();
        try
        {
            var progress = new ByteProgress(options.Progress, model.Networks.Sum(model.PartLength));
            var tensors = new List<TensorContent>();
            foreach (var part in model.Networks)
            {
                var weights = model.OpenWeights(part);
                sources.Add(weights);
                tensors.AddRange(OriginalTensors.Of(model, part, weights, options.Type, progress.Add));
            }

            SafetensorsWriter.Write(file, tensors, SettingsFiles.ToMetadata(SettingsFiles.Of(model)), cancellationToken);
        }
        finally
        {
            sources.ForEach(source => source.Dispose());
        }
    }

    /// <summary>Writes a control network as a folder in diffusers' layout.</summary>
    /// <param name="path">The network: a folder or single file.</param>
    /// <param name="folder">The folder, which must not exist yet.</param>
    /// <param name="options">Element type, progress; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="ControlNetException">The network is invalid, or the folder exists or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The conversion was cancelled.</exception>
    public static void ControlToFolder(
        string path, string folder, ConvertOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        var source = ControlSource.Open(path);
        using var weights = source.OpenWeights();
        var progress = new ByteProgress(options.Progress, weights.Tensors.Values.Sum(tensor => tensor.ByteLength));
        NewFolder.Write(folder, target =>
        {
            WriteText(Path.Combine(target, "config.json"), source.Config.ToJson());
            SafetensorsWriter.Write(
                Path.Combine(target, NetworkKind.ControlNetwork.FileName() + ".safetensors"),
                Tensors(source.Config, weights)
                    .Select(tensor => ConvertedTensor.Of(tensor.Name, tensor.Shape, tensor, options.Type, progress.Add)),
                cancellation: cancellationToken);
        });
    }

    /// <summary>Writes a control network as one file in the original naming, and its configuration beside it (<c>.json</c>).</summary>
    /// <param name="path">The network: a folder or single file.</param>
    /// <param name="file">The file, <c>.safetensors</c>; an existing one is replaced.</param>
    /// <param name="options">Element type, progress; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the writing; an existing file is then unchanged.</param>
    /// <exception cref="ControlNetException">The network is invalid or a ControlNet-lite, or the file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The conversion was cancelled.</exception>
    public static void ControlToFile(
        string path, string file, ConvertOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        var source = ControlSource.Open(path);
        var map = KeyMap.For(source.Config);
        using var weights = source.OpenWeights();
        var progress = new ByteProgress(options.Progress, weights.Tensors.Values.Sum(tensor => tensor.ByteLength));
        SafetensorsWriter.Write(
            file,
            WeightLoader.Match(weights, map).Zip(map.Tensors, (tensor, layout) =>
                ConvertedTensor.Of(layout.Original, layout.OriginalShape, tensor, options.Type, progress.Add)),
            cancellation: cancellationToken);
        WriteText(Path.ChangeExtension(file, ".json"), source.Config.ToJson());
    }

    /// <summary>ControlNet-lite has no table of names: all of its tensors are its own.</summary>
    private static IEnumerable<WeightTensor> Tensors(ControlNetConfig config, WeightSource weights) =>
        config.Lite ? weights.Tensors.Values : WeightLoader.Match(weights, KeyMap.For(config));

    private static ConvertOptions Checked(ConvertOptions? options)
    {
        options ??= new ConvertOptions();
        options.Check();
        return options;
    }

    private static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    private sealed class ByteProgress(IProgress<double>? progress, long total)
    {
        private long _done;

        public void Add(long bytes) => progress?.Report(Math.Min(1, (_done += bytes) / (double)Math.Max(total, 1)));
    }
}
