using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>How images are encoded to latents, row by row.</summary>
public sealed record EncodeImageComponentOptions : NetworkComponentOptions
{
    /// <summary>Width in pixels to resize the images to, a multiple of the autoencoder's scale factor, 8.</summary>
    /// <value>Null: the size that the model was trained with.</value>
    public int? Width { get; init; }

    /// <summary>Height in pixels to resize the images to, a multiple of the autoencoder's scale factor, 8.</summary>
    /// <value>Null: the size that the model was trained with.</value>
    public int? Height { get; init; }

    /// <summary>How an image is fitted when its aspect ratio differs from that of <see cref="Width"/> and <see cref="Height"/>.</summary>
    /// <value><see cref="FitMode.Crop"/>.</value>
    public FitMode Fit { get; init; } = FitMode.Crop;

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? (Enum.IsDefined(Fit)
        ? null
        : $"{nameof(Fit)} is {Fit}, expected {string.Join(", ", Enum.GetNames<FitMode>())}.");
}

/// <summary>
/// Encodes each row's image with a model's autoencoder: an image column in, latents out, [C, h, w], scaled for the scheduler, which
/// <see cref="DecodeImageEstimator"/> reads. They are the posterior's mean, so the result is deterministic. Transparent parts of an image
/// count as white.
/// </summary>
public sealed class EncodeImageEstimator : StageEstimator<EncodeImageTransformer>
{
    internal EncodeImageEstimator(IHostEnvironment environment, EncodeImageStage stage)
        : base(environment, stage.Columns, host => new EncodeImageTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="EncodeImageEstimator"/>.</summary>
public sealed class EncodeImageTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "encode_image";

    internal EncodeImageTransformer(IHostEnvironment environment, EncodeImageStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static EncodeImageTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<EncodeImageSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new EncodeImageTransformer(
            environment,
            new EncodeImageStage(settings.Output, settings.Image, handles.Model(settings.Model), settings.Options, settings.Model.Name),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record EncodeImageSettings(string Output, string Image, WeightReference Model, EncodeImageComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class EncodeImageStage : NetworkStage
{
    private readonly string _output;
    private readonly string _image;
    private readonly DiffusionModel _model;
    private readonly EncodeImageComponentOptions _options;
    private readonly int _width;
    private readonly int _height;
    private readonly string _title;

    /// <summary>Checks the settings. The name is the one that the model was saved under; null for a model that the caller passed.</summary>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public EncodeImageStage(string output, string? image, DiffusionModel model, EncodeImageComponentOptions options, string? name = null)
        : base(options)
    {
        (_output, _image, _model, _options, _title) = (output, image ?? output, model, options, VectorContent.Title(name ?? model.Name));
        options.Check();
        (_width, _height) = (options.Width ?? model.Folder.DefaultSize.Width, options.Height ?? model.Folder.DefaultSize.Height);
        if ((ModelRequirements.OfSide(model.Folder, _width, "Width")
            ?? ModelRequirements.OfSide(model.Folder, _height, "Height")) is { } problem)
            throw new ControlNetException(problem);
        var type = Latents.Type(model, _width, _height);
        Columns = new ComponentColumns(
            [InputColumn.Image(_image)], output, _ => type, options.ErrorColumn, Latents.Annotations(type, _title));
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) =>
        writer.Json(
            SettingsEntry,
            new EncodeImageSettings(
                _output, _image, writer.Model(_model, ModelParts.Autoencoder, _options.Weights).Called(_title), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        using var use = _model.Enter(_options.CancellationToken);
        batch.ForEachRowInTurn(row =>
        {
            stepping();
            var photo = Color.Hwc3(batch.Image(0, row).ToImageBuffer());
            var fitted = ImageFit.Apply(photo, Geometry.ForImage(photo.Width, photo.Height, _width, _height, _options.Fit));
            var latents = _model.Encode(TensorImages.ToSigned(fitted));
            batch.Output<VBuffer<float>>(0)[row] = new VBuffer<float>(
                latents.Count, NotFiniteException.Check(latents, "The latents").Values);
        });
    }
}
