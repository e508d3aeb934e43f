using ControlNet.ML.Conditions;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Opens the preprocessors once, and makes the conditions of each row.</summary>
internal sealed class RowConditions : IDisposable
{
    private readonly ScorePlan _plan;
    private readonly List<IPreprocessor> _preprocessors = [];

    private RowConditions(ScorePlan plan) => _plan = plan;

    /// <summary>Opens the preprocessors.</summary>
    /// <exception cref="ControlNetException">The file of one is missing or unsupported.</exception>
    public static RowConditions Open(ScorePlan plan)
    {
        var conditions = new RowConditions(plan);
        try
        {
            foreach (var (kind, own) in plan.Kinds.Zip(plan.KindOptions))
                conditions._preprocessors.Add(kind.Open(own));
            return conditions;
        }
        catch
        {
            conditions.Dispose();
            throw;
        }
    }

    /// <summary>The condition of a row for a control network.</summary>
    /// <param name="control">The row's input, which has a file.</param>
    /// <param name="index">The network, from 0.</param>
    /// <param name="size">The image's size.</param>
    /// <exception cref="RowException">The file is missing or not an image, or the condition cannot be made.</exception>
    public ConditionSource Source(RowSource control, int index, ImageSize size)
    {
        var (fit, file) = (_plan.Settings.Fit, control.File!);
        return Reading(control.Column!, () => control.IsPhoto
            ? ConditionSource.FromPhoto(file, _plan.Kinds[index], _plan.KindOptions[index], _preprocessors[index], size, fit)
            : ConditionSource.FromMap(file, size, fit));
    }

    /// <summary>Reads what a column names; an error names the column.</summary>
    /// <exception cref="RowException">It cannot be read.</exception>
    public static T Reading<T>(string column, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is ControlNetException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new RowException(column, e);
        }
    }

    public void Dispose()
    {
        foreach (var preprocessor in _preprocessors)
            preprocessor.Dispose();
    }
}
