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

    /// <summary>What brackets in the prompt and the negative prompt mean.</summary>
    /// <value><see cref="PromptSyntax.Plain"/>: they are text, as in diffusers.</value>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>What becomes of prompts that are longer than the text encoder takes, 75 tokens for CLIP.</summary>
    /// <value>
    /// <see cref="LongPrompts.Windows"/>: nothing is cut, and rows whose prompt or negative prompt has more than <see cref="Windows"/>
    /// fail.
    /// </value>
    public LongPrompts LongPrompts { get; init; }

    /// <summary>
    /// The number of windows that the vectors have room for, 1 to 100. The windows that a row does not need are zeros, which
    /// <see cref="DenoiseEstimator"/> leaves out: a row's image does not depend on this number.
    /// </summary>
    /// <value>1.</value>
    public int Windows { get; init; } = 1;

    /// <summary>LoRAs of the text encoder; <see cref="DenoiseComponentOptions.Loras"/> are those of the UNet.</summary>
    /// <value>None.</value>
    public IReadOnlyList<LoraWeight> Loras { get; init; } = [];

    /// <summary>A text column with each row's LoRAs, <c>name:weight;name:weight</c>; an empty text means <see cref="Loras"/>.</summary>
    /// <value>Null: <see cref="Loras"/>.</value>
    public string? LorasColumn { get; init; }

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? ToGenerateOptions().Validate()
        ?? (Windows is >= 1 and <= PromptReading.MaxWindows
            ? null
            : $"{nameof(Windows)} is {Windows}, expected 1 to {PromptReading.MaxWindows}.");

    /// <summary>The options that apply to all rows.</summary>
    internal GenerateOptions ToGenerateOptions() => new()
    {
        ClipSkip = ClipSkip,
        PromptSyntax = PromptSyntax,
        LongPrompts = LongPrompts,
        Loras = Loras,
    };
}

/// <summary>
/// Encodes each row's prompt and negative prompt: text columns in, a vector out that <see cref="DenoiseEstimator"/> reads. The vector is
/// [2, tokens, width], the prompt first; for SDXL [2, tokens x width + pooled width]. The tokens are those of all
/// <see cref="EncodeTextComponentOptions.Windows"/>.
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
    private readonly TextVectors _texts;
    private readonly int _promptColumn;
    private readonly int? _negativeColumn;
    private readonly int? _lorasColumn;
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
        _lorasColumn = inputs.Add(options.LorasColumn, InputColumn.Text);
        model.Loras.Resolve(options.Loras);
        _texts = new TextVectors(model);
        var type = _texts.Type(options.Windows);
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
                _output, _prompt, writer.Model(_model, ModelParts.TextEncoder, _options.Weights, _options.Loras).Called(_title), _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping)
    {
        using var use = _model.Enter(_options.CancellationToken);
        var (prompts, reading) = (new PromptEncoder(_model), _options.ToGenerateOptions().Reading);
        batch.ForEachRowInTurn(row =>
        {
            stepping();
            List<string> warnings = [];
            var encoded = GenerateResult.Of(() =>
            {
                var loras = _model.Loras.Resolve(Loras(batch, row));
                var (text, negative) = prompts.EncodeBoth(
                    batch.Text(_promptColumn, row), Negative(batch, row), _options.ClipSkip, reading, warnings, loras);
                return Tuple.Create(_texts.Write(text, negative, _options.Windows));
            });
            if (encoded.Value is not { Item1: var vector })
            {
                batch.Fail(row, encoded.Failure!);
                return;
            }

            batch.Output<VBuffer<float>>(0)[row] = vector;
            foreach (var warning in warnings)
                batch.Warn(row, warning);
        });
    }

    private IReadOnlyList<LoraWeight> Loras(RowBatch batch, int row) =>
        _lorasColumn is { } column && batch.Text(column, row) is { Length: > 0 } own ? LoraWeight.ParseList(own) : _options.Loras;

    private string? Negative(RowBatch batch, int row) => _negativeColumn is { } column
        ? batch.Text(column, row) is { Length: > 0 } own ? own : null
        : _options.NegativePrompt;
}
