using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Rows;

/// <summary>
/// Reads how a row's image is made: what the row says, and for the rest what holds for all rows. The same for tables that are scored and for
/// ML.NET's, so that a row means the same in both.
/// </summary>
/// <param name="folder">The model.</param>
/// <param name="scheduler">The scheduler.</param>
/// <param name="common">What holds for all rows, which is in its ranges.</param>
internal sealed class RowReader(ModelFolder folder, SchedulerConfig scheduler, GenerateOptions common)
{
    // Few rows differ in these, and a scheduler is built to find out.
    private readonly Dictionary<(int Steps, double? Strength), string?> _stepProblems = [];

    /// <summary>The row's prompt, or the one of all.</summary>
    public static string Prompt(IRowValues row, string common) => Text(row, RowSetting.Prompt) ?? common;

    /// <summary>Steps, guidance, seed and so on, with a size in any case.</summary>
    /// <param name="row">The row.</param>
    /// <param name="seed">The seed of a row that says none.</param>
    /// <exception cref="RowException">A value cannot be read, or is outside its range.</exception>
    public GenerateOptions Options(IRowValues row, ulong seed) => common with
    {
        Seed = Seed(row, seed),
        NegativePrompt = Text(row, RowSetting.NegativePrompt) ?? common.NegativePrompt,
        Guidance = row.Find(RowSetting.Guidance) is { } guidance ? RowNumbers.Real(guidance) : common.Guidance,
        Steps = row.Find(RowSetting.Steps) is { } steps ? RowNumbers.Whole(steps, 1, GenerateOptions.MaxSteps) : common.Steps,
        Width = Side(row, RowSetting.Width, common.Width),
        Height = Side(row, RowSetting.Height, common.Height),
    };

    /// <summary>The row's own seed, or the one that is passed.</summary>
    /// <exception cref="RowException">It is no seed.</exception>
    public static ulong Seed(IRowValues row, ulong common) => row.Find(RowSetting.Seed) is { } seed ? RowNumbers.Seed(seed) : common;

    /// <summary>How much of an image to begin from is made anew, 0 to 1, or the one of all rows.</summary>
    /// <exception cref="RowException">It is outside its range.</exception>
    public static double? Strength(IRowValues row, double? common)
    {
        if (row.Find(RowSetting.Strength) is not { } value)
            return common;
        var strength = RowNumbers.Real(value);
        return strength is >= 0 and <= 1 ? strength : throw new RowException(value.Column, $"it is {value}, expected 0 to 1.");
    }

    /// <summary>A control network's scale, window and weighting.</summary>
    /// <param name="row">The row.</param>
    /// <param name="control">Which control network, from 0.</param>
    /// <param name="common">What holds for all rows.</param>
    /// <exception cref="RowException">A value cannot be read, or is outside its range.</exception>
    public static ControlUnit Unit(IRowValues row, int control, ControlUnit common)
    {
        var (scale, start, end) = (row.Find(RowSetting.ControlScale, control), row.Find(RowSetting.ControlStart, control), row.Find(RowSetting.ControlEnd, control));
        var unit = new ControlUnit
        {
            Scale = scale is { } ownScale ? RowNumbers.Real(ownScale) : common.Scale,
            Start = start is { } ownStart ? RowNumbers.Real(ownStart) : common.Start,
            End = end is { } ownEnd ? RowNumbers.Real(ownEnd) : common.End,
            Weighting = Weighting(row.Find(RowSetting.ControlWeighting, control)) ?? common.Weighting,
        };
        if (unit.Validate() is not { } problem)
            return unit;
        throw (end ?? start ?? scale) is { } blamed ? new RowException(blamed.Column, problem) : new RowException(problem);
    }

    /// <summary>Throws unless the scheduler can take the row's steps.</summary>
    /// <param name="row">The row.</param>
    /// <param name="steps">Its steps.</param>
    /// <param name="strength">The share of them that runs, of a row that begins from an image; null from noise.</param>
    /// <exception cref="RowException">It cannot.</exception>
    public void CheckSteps(IRowValues row, int steps, double? strength)
    {
        if (!_stepProblems.TryGetValue((steps, strength), out var problem))
        {
            _stepProblems.Add(
                (steps, strength),
                problem = GenerateResult.Of(() => Scheduler.Create(scheduler, steps, new SchedulerOptions { Strength = strength })).Failure?.Message);
        }

        if (problem is not null)
            throw (row.Find(RowSetting.Strength) ?? row.Find(RowSetting.Steps)) is { } blamed ? new RowException(blamed.Column, problem) : new RowException(problem);
    }

    private int Side(IRowValues row, RowSetting setting, int? common)
    {
        if (row.Find(setting) is not { } value)
            return common ?? folder.NativeSize;
        var side = RowNumbers.Whole(value, 1, int.MaxValue);
        return ModelRequirements.OfSide(folder, side, setting.ToString()) is { } problem ? throw new RowException(value.Column, problem) : side;
    }

    private static string? Text(IRowValues row, RowSetting setting) => row.Find(setting) is { } value ? (string)value.Value : null;

    private static ControlWeighting? Weighting(RowValue? value)
    {
        if (value is not { } found)
            return null;
        try
        {
            return ControlWeightingNames.Parse((string)found.Value);
        }
        catch (ControlNetException error)
        {
            throw new RowException(found.Column, error);
        }
    }
}
