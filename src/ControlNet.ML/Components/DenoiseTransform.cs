using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// Denoises latents from noise, guided by each row's text and controls: the vectors of <see cref="EncodeTextEstimator"/> and
/// <see cref="EncodeConditionEstimator"/> in, latents out, [C, h, w], which <see cref="DecodeImageEstimator"/> reads.
/// </summary>
public sealed class DenoiseEstimator : StageEstimator<DenoiseTransformer>
{
    internal DenoiseEstimator(IHostEnvironment environment, DenoiseStage stage)
        : base(environment, stage.Columns, host => new DenoiseTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="DenoiseEstimator"/>.</summary>
public sealed class DenoiseTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "denoise";

    internal DenoiseTransformer(IHostEnvironment environment, DenoiseStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static DenoiseTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<DenoiseSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new DenoiseTransformer(
            environment,
            new DenoiseStage(
                settings.Output,
                settings.Text,
                handles.Model(settings.Model),
                handles.Controls(settings.Controls),
                settings.Options,
                settings.Model.Name),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record DenoiseSettings(
    string Output, string Text, WeightReference Model, ControlSettings[] Controls, DenoiseComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class DenoiseStage : NetworkStage
{
    private readonly string _output;
    private readonly string _text;
    private readonly DiffusionModel _model;
    private readonly ControlColumn[] _controls;
    private readonly DenoiseComponentOptions _options;
    private readonly TextVectors _texts;
    private readonly RowPlan _plan;
    private readonly int[] _hints;
    private readonly int _textColumn;
    private readonly string _title;

    /// <summary>Checks the settings. The name is the one that the model was saved under; null for a model that the caller passed.</summary>
    /// <exception cref="ControlNetException">An option is out of its range, or a network does not fit the model.</exception>
    public DenoiseStage(
        string output, string? text, DiffusionModel model, ControlColumn[] controls, DenoiseComponentOptions options, string? name = null)
        : base(options)
    {
        (_output, _text, _model, _controls, _options) = (output, text ?? output, model, controls, options);
        _title = VectorContent.Title(name ?? model.Name);
        _texts = new TextVectors(model);
        var inputs = new InputColumns();
        _textColumn = inputs.Add(_texts.Column(_text));
        _plan = new RowPlan(model, controls, options, inputs);
        _hints = [.. controls.Select(
            control => inputs.Add(InputColumn.Vector(control.Column, ControlHints.Type(control.Network, _plan.Width, _plan.Height))))];
        var type = Latents.Type(model, _plan.Width, _plan.Height);
        Columns = new ComponentColumns(inputs.All, output, _ => type, options.ErrorColumn, Latents.Annotations(type, _title));
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) => writer.Json(
        SettingsEntry,
        new DenoiseSettings(
            _output,
            _text,
            writer.Model(_model, ModelParts.UNet, _options.Weights, _options.Loras).Called(_title),
            writer.Controls(_controls, _options.Weights),
            _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        List<(int Row, DenoisingRequest Request)> requests = [];
        batch.ForEachRowInTurn(row => requests.Add((row, Read(batch, row))));
        var results = _model.DenoiseEach([.. requests.Select(each => each.Request)], stepping, _options.CancellationToken);
        foreach (var ((row, _), result) in requests.Zip(results))
        {
            if (result.Value is { } latents)
                batch.Output<VBuffer<float>>(0)[row] = new VBuffer<float>(latents.Count, latents.Values);
            else
                batch.Fail(row, result.Failure!);
        }
    }

    private DenoisingRequest Read(RowBatch batch, int row)
    {
        var values = _plan.Values(batch, row);
        var units = _plan.Units(values);
        var (text, negative) = _texts.Read(batch.Vector(_textColumn, row));
        var controls = Enumerable.Range(0, units.Length).Where(i => units[i].TakesPart).Select(i => new RowControl(
            _controls[i].Network.Backend,
            new TensorData(batch.Vector(_hints[i], row), ControlHints.Shape(_controls[i].Network, _plan.Width, _plan.Height)),
            units[i]));
        var options = _plan.Options(values);
        var settings = new ImageSettings(_plan.Width, _plan.Height, _plan.Scheduler, []) { Loras = _model.Loras.Resolve(options.Loras) };
        return _model.Pipeline.Request(options, settings, text, negative, [.. controls]);
    }
}
