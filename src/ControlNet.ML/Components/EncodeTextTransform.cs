using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>How prompts are encoded, row by row.</summary>
public sealed record EncodeTextComponentOptions : NetworkComponentOptions
{
    /// <summary>The negative prompt: what the images should not show; null for none.</summary>
    /// <value>Null.</value>
    public string? NegativePrompt { get; init; }

    /// <summary>A text column with each row's negative prompt; an empty text means none.</summary>
    /// <value>Null: <see cref="NegativePrompt"/>.</value>
    public string? NegativePromptColumn { get; init; }

    /// <summary>
    /// Clip skip: the number of the text encoder's last layers to skip; does not apply to the negative prompt, as in diffusers.
    /// </summary>
    /// <value>Null: none.</value>
    public int? ClipSkip { get; init; }

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? new GenerateOptions { ClipSkip = ClipSkip }.Validate();
}

/// <summary>
/// Encodes each row's prompt and negative prompt: text columns in, a vector out that <see cref="DenoiseEstimator"/> reads. The vector is
/// [2, tokens, width], the prompt first; for SDXL [2, tokens x width + pooled width].
/// </summary>
public sealed class EncodeTextEstimator : StageEstimator<EncodeTextTransformer>
{
    internal EncodeTextEstimator(IHostEnvironment environment, EncodeTextStage stage)
        : base(environment, stage.Columns, host => new EncodeTextTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="EncodeTextEstimator"/>.</summary>
public sealed class EncodeTextTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "encode_text";

    internal EncodeTextTransformer(IHostEnvironment environment, EncodeTextStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static EncodeTextTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<EncodeTextSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new EncodeTextTransformer(
            environment,
            new EncodeTextStage(settings.Output, settings.Prompt, handles.Model(settings.Model), settings.Options, settings.Model.Name),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record EncodeTextSettings(string Output, string Prompt, WeightReference Model, EncodeTextComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class EncodeTextStage : NetworkStage
{
    private readonly string _output;
    private readonly string _prompt;
    private readonly DiffusionModel _model;
    private readonly EncodeTextComponentOptions _options;
    private readonly int _promptColumn;
    private readonly int? _negativeColumn;
    private readonly string _title;

    /// <summary>Checks the settings. The name is the one that the model was saved under; null for a model that the caller passed.</summary>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public EncodeTextStage(string output, string? prompt, DiffusionModel model, EncodeTextComponentOptions options, string? name = null)
        : base(options)
    {
        (_output, _prompt, _model, _options, _title) = (output, prompt ?? output, model, options, VectorContent.Title(name ?? model.Name));
        options.Check();
        var inputs = new InputColumns();
        _promptColumn = inputs.Add(InputColumn.Text(_prompt));
        _negativeColumn = inputs.Add(options.NegativePromptColumn, InputColumn.Text);
        var type = new TextVectors(model).Type;
        var content = VectorContent.Of($"text of {_title}: prompt, negative prompt");
        Columns = new ComponentColumns(inputs.All, output, _ => type, options.ErrorColumn, content);
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) =>
        writer.Json(
            SettingsEntry,
            new EncodeTextSettings(
                _output, _prompt, writer.Model(_model, ModelParts.TextEncoder, _options.Weights).Called(_title), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        using var use = _model.Enter(_options.CancellationToken);
        var prompts = new PromptEncoder(_model);
        batch.ForEachRowInTurn(row =>
        {
            stepping();
            List<string> warnings = [];
            var encoded = GenerateResult.Of(() =>
            {
                var text = prompts.Encode(batch.Text(_promptColumn, row), _options.ClipSkip, warnings);
                return Tuple.Create(text, prompts.Negative(Negative(batch, row), text, warnings));
            });
            if (encoded.Value is not (var text, var negative))
            {
                batch.Fail(row, encoded.Failure!);
                return;
            }

            batch.Output<VBuffer<float>>(0)[row] = TextVectors.Write(text, negative);
            foreach (var warning in warnings)
                batch.Warn(row, warning);
        });
    }

    private string? Negative(RowBatch batch, int row) => _negativeColumn is { } column
        ? batch.Text(column, row) is { Length: > 0 } own ? own : null
        : _options.NegativePrompt;
}
