using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>
/// Makes a condition of each photo: a column of images or of image files in, an image column out, of the photo's size or of the one that the
/// options ask for. Transparent parts of a photo count as white, as on paper. Files (ML.NET's LoadRawImageBytes) keep the 16 bits of depth maps,
/// which ML.NET's images have not.
/// </summary>
public sealed class ConditionEstimator : StageEstimator<ConditionTransformer>
{
    internal ConditionEstimator(IHostEnvironment environment, ConditionStage stage)
        : base(environment, stage.Columns, host => new ConditionTransformer(host, stage))
    {
    }
}

/// <summary>The transformer of <see cref="ConditionEstimator"/>.</summary>
public sealed class ConditionTransformer : ModelTransformer
{
    /// <summary>Its name in saved models.</summary>
    internal const string Kind = "condition";

    private readonly ConditionStage _stage;

    // Opened with the first row that is asked for: a learned condition then loads its network, once for all rows.
    private readonly Lazy<IPreprocessor> _preprocessor;

    internal ConditionTransformer(IHostEnvironment environment, ConditionStage stage)
        : base(environment, Kind, stage.Columns, stage.Component) => (_stage, _preprocessor) = (stage, new(stage.Open));

    internal static ConditionTransformer Read(IHostEnvironment environment, ModelReader reader) =>
        new(environment, ConditionStage.Read(reader.Json<ConditionSettings>(NetworkStage.SettingsEntry)));

    private protected override void Compute(RowBatch batch) => batch.ForEachRow(
        row => batch.Output<MLImage>(0)[row] = _stage.Apply(_preprocessor.Value, batch.ImageOrFile(0, row)).ToMLImage(), Options.CancellationToken);

    private protected override void Write(ModelWriter writer) => writer.Json(NetworkStage.SettingsEntry, _stage.Write());

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _preprocessor.IsValueCreated)
            _preprocessor.Value.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>What a saved model holds of a condition.</summary>
internal sealed record ConditionSettings(string Output, string Input, string Condition, JsonElement? Options, ConditionComponentOptions Component);

/// <summary>A condition with all its settings, which are sound.</summary>
internal sealed class ConditionStage
{
    private readonly ConditionKind _kind;
    private readonly object? _options;
    private readonly string _output;
    private readonly string _input;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public ConditionStage(string output, string? input, ConditionKind kind, object? options, ConditionComponentOptions? component)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        (_output, _input, _kind, _options, Component) = (output, input ?? output, kind, options ?? kind.Defaults, component ?? new());
        Component.Check();
        Columns = new ComponentColumns([InputColumn.ImageOrFile(_input)], _output, OutputType, Component.ErrorColumn);

        // Options are checked when they are used: better now than in every row. A network says by its file alone whether it fits.
        using var preprocessor = Open();
        if (!kind.IsLearned)
            preprocessor.Apply(new ImageBuffer(1, 1, 3));
    }

    /// <summary>What is chosen beside the condition's own options.</summary>
    public ConditionComponentOptions Component { get; }

    /// <summary>The columns read and added.</summary>
    public ComponentColumns Columns { get; }

    /// <summary>From what was saved.</summary>
    /// <exception cref="ControlNetException">There is no such condition, or its options are others.</exception>
    public static ConditionStage Read(ConditionSettings settings)
    {
        var kind = ConditionCatalog.Find(settings.Condition);
        try
        {
            var options = kind.OptionsType is { } type ? settings.Options?.Deserialize(type, ModelWriter.JsonOptions) : null;
            return new ConditionStage(settings.Output, settings.Input, kind, options, settings.Component);
        }
        catch (JsonException error)
        {
            throw new ControlNetException($"It has options that '{kind.Name}' does not take: {error.Message}", error);
        }
    }

    /// <summary>To be saved.</summary>
    public ConditionSettings Write() => new(
        _output, _input, _kind.Name, _options is null ? null : JsonSerializer.SerializeToElement(_options, _kind.OptionsType!, ModelWriter.JsonOptions), Component);

    /// <summary>Makes ready for any number of photos.</summary>
    /// <exception cref="ControlNetException">A network's file is missing or not the right one.</exception>
    public IPreprocessor Open() => _kind.Open(_options);

    /// <summary>Makes the condition of a photo.</summary>
    public ImageBuffer Apply(IPreprocessor preprocessor, ImageBuffer photo)
    {
        // Before it is fitted: what shines through is not to be smeared over the edge.
        photo = Color.OverWhite(photo);
        if (Component.Size is { } size)
            photo = ImageFit.Apply(photo, Geometry.ForImage(photo.Width, photo.Height, size.Width, size.Height, Component.Fit));
        return preprocessor.Apply(photo);
    }

    private DataViewType OutputType(IReadOnlyList<SchemaShape.Column> inputs) =>
        Component.Size is { } size ? new ImageDataViewType(size.Height, size.Width) : inputs[0].ItemType as ImageDataViewType ?? new ImageDataViewType();
}
