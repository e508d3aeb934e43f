using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// Makes latents of noise, under each row's text and control: the vectors of <see cref="EncodeTextEstimator"/> and
/// <see cref="EncodeConditionEstimator"/> in, latents out, [C, h, w], which <see cref="DecodeImageEstimator"/> reads.
/// </summary>
public sealed class DenoiseEstimator : ModelEstimator<DenoiseTransformer>
{
    private readonly DenoiseStage _stage;

    internal DenoiseEstimator(IHostEnvironment environment, DenoiseStage stage)
        : base(environment, stage.Columns) => _stage = stage;

    private protected override DenoiseTransformer Create(IDataView input) => new(Environment, _stage, []);
}

/// <summary>The transformer of <see cref="DenoiseEstimator"/>.</summary>
public sealed class DenoiseTransformer : NetworkTransformer
{
    /// <summary>Its name in saved models.</summary>
    internal const string Kind = "denoise";

    internal DenoiseTransformer(IHostEnvironment environment, DenoiseStage stage, IReadOnlyList<IDisposable> leases)
        : base(environment, Kind, stage, leases)
    {
    }

    internal static DenoiseTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<DenoiseSettings>(NetworkStage.SettingsEntry);
        return Leases.Open(reader, leases => new DenoiseTransformer(
            environment,
            new DenoiseStage(settings.Output, settings.Text, leases.Model(settings.Model), leases.Controls(settings.Controls), settings.Options, settings.Model.Name),
            leases.Taken));
    }
}

/// <summary>What a saved model holds of it.</summary>
internal sealed record DenoiseSettings(string Output, string Text, WeightReference Model, ControlSettings[] Controls, DenoiseComponentOptions Options);

/// <summary>The denoising with all its settings, which are sound.</summary>
internal sealed class DenoiseStage : NetworkStage
{
    private readonly string _output;
    private readonly string _text;
    private readonly DiffusionModel _model;
    private readonly ControlColumn[] _controls;
    private readonly DenoiseComponentOptions _options;
    private readonly TextVectors _texts;
    private readonly RowDenoiser _denoiser;
    private readonly RowControlReader[] _readers;
    private readonly int _textColumn;
    private readonly string _title;

    /// <summary>Checks the settings. The name is what the model was saved by, null for one of the program's.</summary>
    /// <exception cref="ControlNetException">An option is out of its range, or a network does not fit the model.</exception>
    public DenoiseStage(string output, string? text, DiffusionModel model, ControlColumn[] controls, DenoiseComponentOptions options, string? name = null)
        : base(options)
    {
        (_output, _text, _model, _controls, _options) = (output, text ?? output, model, controls, options);
        _title = VectorContent.Title(name ?? model.Name);
        _texts = new TextVectors(model);
        var inputs = new InputColumns();
        _textColumn = inputs.Add(InputColumn.Vector(_text, _texts.Type));
        _denoiser = new RowDenoiser(model, controls, options, inputs);
        _readers = [.. controls.Select(Reader)];
        var type = Latents.Type(model, _denoiser.Width, _denoiser.Height);
        Columns = new ComponentColumns(inputs.All, output, _ => type, options.ErrorColumn, Latents.Annotations(type, _title));

        RowControlReader Reader(ControlColumn control) =>
            new(control, InputColumn.Vector(control.Column, ControlHints.Type(control.Network, _denoiser.Width, _denoiser.Height)), inputs);
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) => writer.Json(
        SettingsEntry,
        new DenoiseSettings(_output, _text, writer.Model(_model, ModelParts.UNet, _options.Weights).Called(_title), writer.Controls(_controls, _options.Weights), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        lock (_model.Gate)
        {
            ObjectDisposedException.ThrowIf(_model.IsDisposed, _model);
            List<DenoisingImage> images = [];
            batch.ForEachRowInTurn(row => images.Add(Read(batch, row)));
            _denoiser.Run(batch, images, stepping, (row, latents) =>
                batch.Output<VBuffer<float>>(0)[row] = new VBuffer<float>(latents.Count, latents.Values));
        }
    }

    private DenoisingImage Read(RowBatch batch, int row)
    {
        return _denoiser.Read(batch, row, _denoiser.Width, _denoiser.Height, _ => _texts.Read(batch.Vector(_textColumn, row)), [.. _readers.Select(Control)]);

        RowControl Control(RowControlReader reader)
        {
            var shape = ControlHints.Shape(reader.Network, _denoiser.Width, _denoiser.Height);
            return reader.Read(batch, row, shape, column => new TensorData(batch.Vector(column, row), shape));
        }
    }
}
