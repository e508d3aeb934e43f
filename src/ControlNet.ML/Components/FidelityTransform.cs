using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>Scores each row's image against its condition: two image columns of one size in, a number from 0 to 1 out.</summary>
public sealed class FidelityEstimator : StageEstimator<FidelityTransformer>
{
    internal FidelityEstimator(IHostEnvironment environment, FidelityStage stage)
        : base(environment, stage.Columns, host => new FidelityTransformer(host, stage))
    {
    }
}

/// <summary>The transformer of <see cref="FidelityEstimator"/>.</summary>
public sealed class FidelityTransformer : ModelTransformer
{
    /// <summary>The component's name in saved models.</summary>
    internal const string LoadName = "fidelity";

    private readonly FidelityStage _stage;

    internal FidelityTransformer(IHostEnvironment environment, FidelityStage stage)
        : base(environment, LoadName, stage.Columns, stage.Settings.Options) => _stage = stage;

    internal static FidelityTransformer Read(IHostEnvironment environment, ModelReader reader) =>
        new(environment, new FidelityStage(reader.Json<FidelitySettings>(NetworkStage.SettingsEntry)));

    private protected override void Compute(RowBatch batch) => batch.ForEachRow(
        row => batch.Output<float>(0)[row] = (float)_stage.Score(batch.ImageOrFile(0, row), batch.ImageOrFile(1, row)),
        Options.CancellationToken);

    private protected override void Write(ModelWriter writer) => writer.Json(NetworkStage.SettingsEntry, _stage.Settings);
}

/// <summary>The component's settings in a saved model.</summary>
internal sealed record FidelitySettings(
    string Output, string Expected, string Found, FidelityMetric Metric, FidelityComponentOptions Options);

/// <summary>The component with all its settings, validated.</summary>
internal sealed class FidelityStage
{
    /// <summary>Checks the settings.</summary>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public FidelityStage(FidelitySettings settings)
    {
        Settings = settings;
        settings.Options.Check();
        if (!Enum.IsDefined(settings.Metric))
            throw new ControlNetException(
                $"The metric is {settings.Metric}, expected {string.Join(", ", Enum.GetNames<FidelityMetric>())}.");
        Columns = new ComponentColumns(
            [InputColumn.ImageOrFile(settings.Expected), InputColumn.ImageOrFile(settings.Found)], settings.Output,
            _ => NumberDataViewType.Single, settings.Options.ErrorColumn);
    }

    /// <summary>The settings.</summary>
    public FidelitySettings Settings { get; }

    /// <summary>The columns read and added.</summary>
    public ComponentColumns Columns { get; }

    /// <summary>Compares the condition with that of the result.</summary>
    /// <exception cref="ControlNetException">They differ in size.</exception>
    public double Score(ImageBuffer expected, ImageBuffer found)
    {
        if (expected.Width != found.Width || expected.Height != found.Height)
            throw new ControlNetException(
                $"Column '{Settings.Expected}' has an image of {expected.Width}x{expected.Height} and '{Settings.Found}' one of "
                    + $"{found.Width}x{found.Height}, expected one size.");
        var (a, b) = (Color.Grey(expected), Color.Grey(found));
        return Settings.Metric == FidelityMetric.EdgeF1 ? EdgeFidelity.Compare(a, b, Settings.Options.Tolerance).F1 : MaskOverlap.Iou(a, b);
    }
}
