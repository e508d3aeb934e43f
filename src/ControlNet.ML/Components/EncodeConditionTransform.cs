using ControlNet.ML.Conditions;
using ControlNet.ML.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>
/// Encodes each row's condition with a control network: an image column in, a vector column of hints out, [C, h, w], which
/// <see cref="DenoiseEstimator"/> reads.
/// </summary>
public sealed class EncodeConditionEstimator : StageEstimator<EncodeConditionTransformer>
{
    internal EncodeConditionEstimator(IHostEnvironment environment, EncodeConditionStage stage)
        : base(environment, stage.Columns, host => new EncodeConditionTransformer(host, stage, []))
    {
    }
}

/// <summary>The transformer of <see cref="EncodeConditionEstimator"/>.</summary>
public sealed class EncodeConditionTransformer : NetworkTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "encode_condition";

    internal EncodeConditionTransformer(IHostEnvironment environment, EncodeConditionStage stage, IReadOnlyList<IDisposable> handles)
        : base(environment, LoadName, stage, handles)
    {
    }

    internal static EncodeConditionTransformer Read(IHostEnvironment environment, ModelReader reader)
    {
        var settings = reader.Json<EncodeConditionSettings>(NetworkStage.SettingsEntry);
        return NetworkHandles.Open(reader, handles => new EncodeConditionTransformer(
            environment,
            new EncodeConditionStage(
                settings.Output,
                settings.Condition,
                handles.Control(settings.Network),
                settings.Width,
                settings.Height,
                settings.Options,
                settings.Network.Name),
            handles.Taken));
    }
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record EncodeConditionSettings(
    string Output, string Condition, WeightReference Network, int Width, int Height, NetworkComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class EncodeConditionStage : NetworkStage
{
    private readonly string _output;
    private readonly string _condition;
    private readonly ControlNetwork _network;
    private readonly int _width;
    private readonly int _height;
    private readonly NetworkComponentOptions _options;
    private readonly string _title;

    /// <summary>
    /// Checks the settings. The name is the one that the network was saved under; null for a network that the caller passed.
    /// </summary>
    /// <exception cref="ControlNetException">
    /// An option is out of its range, or a side is not a multiple of the network's scale factor.
    /// </exception>
    public EncodeConditionStage(
        string output,
        string? condition,
        ControlNetwork network,
        int width,
        int height,
        NetworkComponentOptions options,
        string? name = null)
        : base(options)
    {
        (_output, _condition, _network, _width, _height, _options) = (output, condition ?? output, network, width, height, options);
        _title = VectorContent.Title(name ?? network.Name);
        options.Check();
        var scale = network.Config.ConditionScale;
        if (width < scale || height < scale || width % scale != 0 || height % scale != 0)
            throw new ControlNetException($"The size is {width}x{height}, expected multiples of {scale}.");
        var type = ControlHints.Type(network, width, height);
        Columns = new ComponentColumns(
            [InputColumn.Image(_condition)], output, _ => type, options.ErrorColumn, VectorContent.Of($"hint of {_title}"));
    }

    /// <inheritdoc/>
    public override ComponentColumns Columns { get; }

    /// <inheritdoc/>
    public override void Write(ModelWriter writer) => writer.Json(
        SettingsEntry,
        new EncodeConditionSettings(
            _output, _condition, writer.ConditionEncoder(_network, _options.Weights).Called(_title), _width, _height, _options));

    /// <inheritdoc/>
    public override void Compute(RowBatch batch, Action stepping) => batch.ForEachRowInTurn(row =>
    {
        stepping();
        var condition = batch.Image(0, row).ToImageBuffer();
        if (ConditionImages.SizeWarning(_title, condition.Width, condition.Height, _width, _height) is { } warning)
            batch.Warn(row, warning);
        var hint = _network.Encode(condition, _width, _height);
        batch.Output<VBuffer<float>>(0)[row] = new VBuffer<float>(
            hint.Count, NotFiniteException.Check(hint, "The encoded condition").Values);
    });
}
