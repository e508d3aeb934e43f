using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>Decodes each row's latents with a model's autoencoder: a vector [C, h, w] in, an image column out.</summary>
public sealed class DecodeImageEstimator : StageEstimator<DecodeImageTransformer>
{
    internal DecodeImageEstimator(IHostEnvironment environment, DecodeImageStage stage)
        : base(environment, stage.Columns, host => new DecodeImageTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="DecodeImageEstimator"/>.</summary>
public sealed class DecodeImageTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "decode_image";

    internal DecodeImageTransformer(IHostEnvironment environment, DecodeImageStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static DecodeImageTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<DecodeImageSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new DecodeImageTransformer(
            environment,
            new DecodeImageStage(settings.Output, settings.Latents, handles.Model(settings.Model), settings.Options),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record DecodeImageSettings(string Output, string Latents, WeightReference Model, NetworkComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class DecodeImageStage : NetworkStage
{
    private readonly string _output;
    private readonly string _latents;
    private readonly DiffusionModel _model;
    private readonly NetworkComponentOptions _options;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public DecodeImageStage(string output, string? latents, DiffusionModel model, NetworkComponentOptions options)
        : base(options)
    {
        (_output, _latents, _model, _options) = (output, latents ?? output, model, options);
        options.Check();
        var (channels, scale) = (model.Folder.Autoencoder.LatentChannels, model.Folder.Autoencoder.ScaleFactor);
        var input = InputColumn.Vector(_latents, $"Vector<Single, {channels}, h, w>", found => found.Count == 3 && found[0] == channels);
        Columns = new ComponentColumns([input], output, Image, options.ErrorColumn);

        DataViewType Image(IReadOnlyList<SchemaShape.Column> inputs) => Latents.Grid(inputs[0]) is { } grid
            ? new ImageDataViewType(grid.Height * scale, grid.Width * scale)
            : new ImageDataViewType();
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) =>
        writer.Json(
            SettingsEntry,
            new DecodeImageSettings(_output, _latents, writer.Model(_model, ModelParts.Autoencoder, _options.Weights), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        using var use = _model.Enter(_options.CancellationToken);
        var shape = ((VectorDataViewType)batch.Column(0).Type).Dimensions;
        batch.ForEachRowInTurn(row =>
        {
            stepping();
            var pixels = _model.Decode(new TensorData(batch.Vector(0, row), [1, .. shape]));
            batch.Output<MLImage>(0)[row] = TensorImages.FromUnit(pixels)[0].ToMLImage();
        });
    }
}
