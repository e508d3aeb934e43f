using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>Generates an image from each row's prompt and conditions: text and image columns in, an image column out.</summary>
public sealed class GenerateEstimator : StageEstimator<GenerateTransformer>
{
    internal GenerateEstimator(IHostEnvironment environment, GenerateStage stage)
        : base(environment, stage.Columns, host => new GenerateTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="GenerateEstimator"/>.</summary>
public sealed class GenerateTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "generate";

    internal GenerateTransformer(IHostEnvironment environment, GenerateStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static GenerateTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<GenerateSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new GenerateTransformer(
            environment,
            new GenerateStage(
                settings.Output, settings.Prompt, handles.Model(settings.Model), handles.Controls(settings.Controls), settings.Options),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record GenerateSettings(
    string Output, string Prompt, WeightReference Model, ControlSettings[] Controls, GenerateComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class GenerateStage : NetworkStage
{
    private readonly string _output;
    private readonly string _promptName;
    private readonly DiffusionModel _model;
    private readonly ControlColumn[] _controls;
    private readonly GenerateComponentOptions _options;
    private readonly RowPlan _plan;
    private readonly RowImages _images;
    private readonly int _prompt;
    private readonly int[] _conditions;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ControlNetException">An option is out of its range, or a network does not fit the model.</exception>
    public GenerateStage(string output, string prompt, DiffusionModel model, ControlColumn[] controls, GenerateComponentOptions options)
        : base(options)
    {
        (_output, _promptName, _model, _controls, _options) = (output, prompt, model, controls, options);
        var inputs = new InputColumns();
        _prompt = inputs.Add(InputColumn.Text(prompt));
        _plan = new RowPlan(model, controls, options, inputs);
        _images = new RowImages(options, inputs);
        _conditions = [.. controls.Select(control => inputs.Add(InputColumn.Image(control.Column)))];
        var type = _plan.HasOwnSizes ? new ImageDataViewType() : new ImageDataViewType(_plan.Height, _plan.Width);
        Columns = new ComponentColumns(inputs.All, output, _ => type, options.ErrorColumn, textName: options.ProvenanceColumn);
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) => writer.Json(
        SettingsEntry,
        new GenerateSettings(
            _output,
            _promptName,
            writer.Model(_model, ModelParts.All, _options.Weights, _options.Loras),
            writer.Controls(_controls, _options.Weights),
            _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        List<(int Row, GenerateRequest Request)> requests = [];
        batch.ForEachRowInTurn(row => requests.Add((row, Read(batch, row))));
        var results = _model.GenerateEach([.. requests.Select(each => each.Request)], stepping, _options.CancellationToken);
        foreach (var ((row, _), result) in requests.Zip(results))
        {
            if (result.Value is not { } image)
            {
                batch.Fail(row, result.Failure!);
                continue;
            }

            batch.Output<MLImage>(0)[row] = image.Image.ToMLImage();
            if (_options.ProvenanceColumn is not null)
                batch.Output<ReadOnlyMemory<char>>(1)[row] = Provenance.ToJson(image.Provenance).AsMemory();
            foreach (var warning in image.Warnings)
                batch.Warn(row, warning);
        }
    }

    private GenerateRequest Read(RowBatch batch, int row)
    {
        var values = _plan.Values(batch, row);
        var units = _plan.Units(values);

        // A row whose scale is 0 needs no condition.
        var controls = Enumerable.Range(0, units.Length).Where(i => units[i].TakesPart)
            .Select(i => new ControlInput(_controls[i].Network, batch.Image(_conditions[i], row).ToImageBuffer()) { Unit = units[i] });
        return new GenerateRequest(batch.Text(_prompt, row), [.. controls], _plan.Options(values, _images.Read(batch, row, values)));
    }
}
