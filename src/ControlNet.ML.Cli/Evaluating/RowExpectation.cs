using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Imaging;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>What the images of a row are compared with: its conditions and its prompt, which are read when they are first needed.</summary>
internal sealed class RowExpectation
{
    private readonly EvaluationPlan _plan;
    private readonly EvaluationRow _row;
    private readonly RowConditions _conditions;
    private readonly Lazy<RowRequest> _request;
    private readonly Dictionary<int, ConditionSource?> _sources = [];

    public RowExpectation(EvaluationPlan plan, EvaluationRow row, RowConditions conditions)
    {
        (_plan, _row, _conditions) = (plan, row, conditions);
        _request = new(row.Parse);
    }

    /// <summary>The row's prompt; null if there is none to agree with.</summary>
    public string? Prompt => _request.Value.Prompt is { Length: > 0 } prompt ? prompt : null;

    /// <summary>Compares an image with all conditions of the row. An image of another size is scaled to that of the row.</summary>
    /// <param name="image">The image.</param>
    /// <param name="metrics">Receives the metrics.</param>
    /// <returns>The confusions of segmentation maps; null if there are none.</returns>
    /// <exception cref="RowException">The row or a condition of it cannot be read.</exception>
    /// <exception cref="ControlNetException">The annotator's network cannot be run.</exception>
    public Dictionary<string, ConfusionCells>? Compare(ImageBuffer image, Dictionary<string, double> metrics)
    {
        var size = _request.Value.Size;
        Dictionary<string, ConfusionCells>? confusions = null;
        foreach (var comparer in _plan.Comparers)
        {
            if (Source(comparer.Index) is not { } expected)
                continue;
            var fitted = (image.Width, image.Height) == (size.Width, size.Height)
                ? image
                : ImageFit.Apply(
                    image, Geometry.ForImage(image.Width, image.Height, size.Width, size.Height, _plan.Settings.Score.Fit));
            if (comparer.Measure(expected, _row.Keypoints, fitted, metrics) is var (suffix, cells))
                (confusions ??= [])[suffix] = cells;
        }

        return confusions;
    }

    /// <summary>Keeps the row's first condition for the contact sheet.</summary>
    /// <param name="isNew">Whether an image of the row is measured now, so that a condition of an earlier call may be outdated.</param>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public void Keep(bool isNew)
    {
        var file = ContactSheet.ConditionFile(_plan.Settings.Score.Out, _row.Number);
        if (!isNew && File.Exists(file))
            return;
        ImageBuffer? condition;
        try
        {
            condition = Enumerable.Range(0, _plan.Score.Controls.Count).Select(Source).FirstOrDefault(each => each is not null)?.Condition;
        }
        catch (RowException)
        {
            // Each image of the row reports it.
            return;
        }

        if (condition is null)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        ImageCodec.SavePng(file, condition);
    }

    private ConditionSource? Source(int network)
    {
        if (_sources.TryGetValue(network, out var known))
            return known;
        var control = _request.Value.Controls[network];
        return _sources[network] = control.File is null ? null : _conditions.Source(control, network, _request.Value.Size);
    }
}
