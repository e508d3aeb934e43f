using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>
/// Computes the condition of each photo: a column of images or of image files in, an image column out, in the photo's size or the size in
/// the options. Transparent parts of a photo count as white, as on paper. Image files (ML.NET's LoadRawImageBytes) keep the 16 bits of
/// depth maps, which ML.NET's images cannot hold.
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
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "condition";

    private readonly ConditionStage _stage;

    // Opened when the first row is read: a learned condition then loads its network once, for all rows.
    private readonly Lazy<IPreprocessor> _preprocessor;

    internal ConditionTransformer(IHostEnvironment environment, ConditionStage stage)
        : base(environment, LoadName, stage.Columns, stage.Component) => (_stage, _preprocessor) = (stage, new(stage.Open));

    internal static ConditionTransformer Read(IHostEnvironment environment, ModelReader reader) =>
        new(environment, ConditionStage.Read(reader.Json<ConditionSettings>(NetworkStage.SettingsEntry)));

    private protected override void Compute(RowBatch batch) => batch.ForEachRow(
        row => batch.Output<MLImage>(0)[row] = _stage.Apply(_preprocessor.Value, batch.ImageOrFile(0, row)).ToMLImage(),
        Options.CancellationToken);

    private protected override void Write(ModelWriter writer) => writer.Json(NetworkStage.SettingsEntry, _stage.Write());

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _preprocessor.IsValueCreated)
            _preprocessor.Value.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A condition's settings in a saved model.</summary>
/// <param name="Output">The output column.</param>
/// <param name="Input">The input column.</param>
/// <param name="Condition">The kind's name.</param>
/// <param name="Options">The kind's options.</param>
/// <param name="Component">Size, batches, failures.</param>
/// <param name="Files">The files that the condition's network is read from, with their checksums; null if there are none.</param>
internal sealed record ConditionSettings(
    string Output, string Input, string Condition, JsonElement? Options, ConditionComponentOptions Component, WeightFile[]? Files = null);

/// <summary>A condition with all its settings, validated.</summary>
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

        // Options are only checked when they are used: better here than in every row. For a network, the file alone says whether it fits.
        using var preprocessor = Open();
        if (!kind.IsLearned)
            preprocessor.Apply(new ImageBuffer(1, 1, 3));
    }

    /// <summary>Size, batches, failures: the options that all conditions have.</summary>
    public ConditionComponentOptions Component { get; }

    /// <summary>The columns read and added.</summary>
    public ComponentColumns Columns { get; }

    /// <summary>Builds the condition from saved settings.</summary>
    /// <exception cref="ControlNetException">There is no such condition, or the options are not its own.</exception>
    public static ConditionStage Read(ConditionSettings settings)
    {
        var kind = ConditionCatalog.Find(settings.Condition);
        try
        {
            var options = kind.OptionsType is { } type ? settings.Options?.Deserialize(type, ModelWriter.JsonOptions) : null;
            Check(settings.Files ?? [], kind, options);
            return new ConditionStage(settings.Output, settings.Input, kind, options, settings.Component);
        }
        catch (JsonException error)
        {
            throw new ControlNetException($"It has options that '{kind.Name}' does not take: {error.Message}", error);
        }
    }

    /// <summary>The settings to save.</summary>
    public ConditionSettings Write() => new(
        _output,
        _input,
        _kind.Name,
        _options is null ? null : JsonSerializer.SerializeToElement(_options, _kind.OptionsType!, ModelWriter.JsonOptions),
        Component,
        _kind.FilesOf(_options) is { Count: > 0 } files
            ? [.. files.Select(file => new WeightFile(Path.GetFileName(file), WeightReference.Digest(file)))]
            : null);

    /// <summary>Opens the condition, for any number of photos.</summary>
    /// <exception cref="ControlNetException">A network's file is missing or not the right one.</exception>
    public IPreprocessor Open() => _kind.Open(_options);

    /// <summary>Computes the condition of a photo.</summary>
    public ImageBuffer Apply(IPreprocessor preprocessor, ImageBuffer photo)
    {
        // Before the resize, so that transparent pixels do not bleed into opaque ones.
        photo = Color.OverWhite(photo);
        if (Component.Size is { } size)
            photo = ImageFit.Apply(photo, Geometry.ForImage(photo.Width, photo.Height, size.Width, size.Height, Component.Fit));
        return preprocessor.Apply(photo);
    }

    /// <summary>Throws unless the network's files are those that the model was saved with.</summary>
    private static void Check(WeightFile[] saved, ConditionKind kind, object? options)
    {
        var files = kind.FilesOf(options);
        if (files.Count != saved.Length)
            throw new ControlNetException(
                $"'{kind.Name}' was saved with {saved.Length} files of a network, and now has {files.Count}: expected the same.");
        foreach (var (file, expected) in files.Zip(saved))
        {
            if (WeightReference.Digest(file) is var found && found != expected.Sha256)
                throw new ControlNetException(
                    $"{file} is not the network that '{kind.Name}' was saved with: its SHA-256 is {found}, expected "
                        + $"{Message.Name(expected.Sha256)}.");
        }
    }

    private DataViewType OutputType(IReadOnlyList<SchemaShape.Column> inputs) =>
        Component.Size is { } size
            ? new ImageDataViewType(size.Height, size.Width)
            : inputs[0].ItemType as ImageDataViewType ?? new ImageDataViewType();
}
