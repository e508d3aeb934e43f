using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>Makes an image of each row's prompt and conditions: text and image columns in, an image column out.</summary>
public sealed class GenerateEstimator : ModelEstimator<GenerateTransformer>
{
    private readonly GenerateStage _stage;

    internal GenerateEstimator(IHostEnvironment environment, GenerateStage stage)
        : base(environment, stage.Columns) => _stage = stage;

    private protected override GenerateTransformer Create(IDataView input) => new(Environment, _stage, []);
}

/// <summary>The transformer of <see cref="GenerateEstimator"/>.</summary>
public sealed class GenerateTransformer : NetworkTransformer
{
    /// <summary>Its name in saved models.</summary>
    internal const string Kind = "generate";

    internal GenerateTransformer(IHostEnvironment environment, GenerateStage stage, IReadOnlyList<IDisposable> leases)
        : base(environment, Kind, stage, leases)
    {
    }

    internal static GenerateTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<GenerateSettings>(NetworkStage.SettingsEntry);
        return Leases.Open(reader, leases => new GenerateTransformer(
            environment,
            new GenerateStage(settings.Output, settings.Prompt, leases.Model(settings.Model), leases.Controls(settings.Controls), settings.Options),
            leases.Taken));
    }
}

/// <summary>What a saved model holds of a generation.</summary>
internal sealed record GenerateSettings(string Output, string Prompt, WeightReference Model, ControlSettings[] Controls, GenerateComponentOptions Options);

/// <summary>The generation with all its settings, which are sound.</summary>
internal sealed class GenerateStage : NetworkStage
{
    private readonly string _output;
    private readonly string _promptName;
    private readonly DiffusionModel _model;
    private readonly ControlColumn[] _controls;
    private readonly GenerateComponentOptions _options;
    private readonly RowControlReader[] _readers;
    private readonly RowDenoiser _denoiser;
    private readonly RowImageReader _images;
    private readonly int _prompt;
    private readonly int? _negative;
    private readonly int? _width;
    private readonly int? _height;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ControlNetException">An option is out of its range, or a network does not fit the model.</exception>
    public GenerateStage(string output, string prompt, DiffusionModel model, ControlColumn[] controls, GenerateComponentOptions options)
        : base(options)
    {
        (_output, _promptName, _model, _controls, _options) = (output, prompt, model, controls, options);
        var inputs = new InputColumns();
        _prompt = inputs.Add(InputColumn.Text(prompt));
        _denoiser = new RowDenoiser(model, controls, options, inputs, masks: options.MaskColumn is not null, depths: options.DepthColumn is not null);
        _readers = [.. controls.Select(control => new RowControlReader(control, InputColumn.Image(control.Column), inputs))];
        _images = new RowImageReader(options, inputs);
        _negative = inputs.Add(options.NegativePromptColumn, InputColumn.Text);
        _width = inputs.Add(options.WidthColumn, InputColumn.Number);
        _height = inputs.Add(options.HeightColumn, InputColumn.Number);
        var type = _width is null && _height is null ? new ImageDataViewType(_denoiser.Height, _denoiser.Width) : new ImageDataViewType();
        Columns = new ComponentColumns(inputs.All, output, _ => type, options.ErrorColumn, textName: options.ProvenanceColumn);
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) => writer.Json(
        SettingsEntry, new GenerateSettings(_output, _promptName, writer.Model(_model, ModelParts.All, _options.Weights), writer.Controls(_controls, _options.Weights), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        lock (_model.Gate)
        {
            ObjectDisposedException.ThrowIf(_model.IsDisposed, _model);
            var texts = new TextCache(_model);
            List<DenoisingImage> pictures = [];
            var provenance = new string[batch.Count];
            batch.ForEachRowInTurn(row =>
            {
                stepping();
                var image = _images.Read(batch, row);
                var picture = Read(batch, row, texts, image);
                pictures.Add(picture);
                if (_options.ProvenanceColumn is not null)
                    provenance[row] = Describe(batch, picture, image);
            });
            _denoiser.Run(batch, pictures, stepping, (row, latents) =>
            {
                batch.Output<MLImage>(0)[row] = TensorImages.FromUnit(_model.Decode(latents))[0].ToMLImage();
                if (_options.ProvenanceColumn is not null)
                    batch.Output<ReadOnlyMemory<char>>(1)[row] = provenance[row].AsMemory();
            });
        }
    }

    private string Describe(RowBatch batch, DenoisingImage picture, ImageInput? image)
    {
        var (row, scale) = (picture.Row, _model.Folder.Autoencoder.ScaleFactor);
        return Provenance.ToJson(Provenance.Of(
            _model,
            batch.Text(_prompt, picture.Index),
            [.. _controls.Zip(row.Controls, (control, own) => (control.Network.Name, own.Unit))],
            new GenerateOptions
            {
                NegativePrompt = Negative(batch, picture.Index),
                Seed = picture.Seed,
                Steps = picture.Steps,
                Guidance = row.Guidance,
                GuidanceRescale = row.GuidanceRescale,
                Scheduler = _options.Scheduler,
                Eta = row.Eta,
                ClipSkip = _options.ClipSkip,
                Image = image,
            },
            _denoiser.Scheduler,
            row.Noise.Shape[3] * scale,
            row.Noise.Shape[2] * scale));
    }

    private DenoisingImage Read(RowBatch batch, int row, TextCache texts, ImageInput? image)
    {
        var (width, height) = (Side(_width, _denoiser.Width, "Width"), Side(_height, _denoiser.Height, "Height"));
        return _denoiser.Read(batch, row, width, height, Texts, [.. _readers.Select(Control)], image);

        int Side(int? column, int otherwise, string name) =>
            column is { } wanted ? Wishes.Side(_model, Wishes.Whole(batch, wanted, row, 1, int.MaxValue), name) : otherwise;

        RowControl Control(RowControlReader reader) => reader.Read(
            batch, row, ControlHints.Shape(reader.Network, width, height),
            column => ControlHints.Encode(reader.Network, batch.Image(column, row).ToImageBuffer(), width, height));

        (TextEmbedding, TextEmbedding?) Texts(bool guided)
        {
            var text = texts.Encode(batch, row, batch.Text(_prompt, row), _options.ClipSkip);
            return (text, guided ? texts.Negative(batch, row, Negative(batch, row), text) : null);
        }
    }

    private string? Negative(RowBatch batch, int row) => _negative is { } column
        ? batch.Text(column, row) is { Length: > 0 } wish ? wish : null
        : _options.NegativePrompt;
}
