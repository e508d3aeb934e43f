using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Rows;

/// <summary>
/// Reads how a row's image is generated: the row's settings, and for the rest those common to all rows. Shared by batch tables and ML.NET's
/// rows, so that a row means the same in both.
/// </summary>
/// <param name="folder">The model.</param>
/// <param name="scheduler">The scheduler of rows that name none.</param>
/// <param name="common">The settings common to all rows, validated, completed by the model's own.</param>
internal sealed class RowReader(ModelFolder folder, SchedulerConfig scheduler, GenerateOptions common)
{
    // Few rows differ in these settings, and the check builds a scheduler.
    private readonly Dictionary<(string? Scheduler, int Steps, double? Strength, bool HasEta), Exception?> _schedulerProblems = [];

    private readonly Lazy<SchedulerConfig> _own = new(folder.ReadScheduler);

    /// <summary>The row's prompt, or the common one.</summary>
    public static string Prompt(IRowValues row, string common) => Text(row, RowSetting.Prompt) ?? common;

    /// <summary>Steps, guidance scale, seed and so on; the size is always set.</summary>
    /// <param name="row">The row.</param>
    /// <param name="seed">The seed of a row without its own.</param>
    /// <exception cref="RowException">A value cannot be read, or is outside its range.</exception>
    public GenerateOptions Options(IRowValues row, ulong seed) => common with
    {
        Seed = Seed(row, seed),
        NegativePrompt = Text(row, RowSetting.NegativePrompt) ?? common.NegativePrompt,
        PromptSyntax = Named(row.Find(RowSetting.PromptSyntax), PromptSyntaxNames.Parse) ?? common.PromptSyntax,
        Guidance = row.Find(RowSetting.Guidance) is { } guidance ? RowNumbers.Real(guidance) : common.Guidance,
        GuidanceRescale = Share(row, RowSetting.GuidanceRescale) ?? common.GuidanceRescale,
        Scheduler = SchedulerName(row) ?? common.Scheduler,
        SchedulerConfig = row.Find(RowSetting.Scheduler) is null ? common.SchedulerConfig : null,
        Eta = Share(row, RowSetting.Eta) ?? common.Eta,
        ClipSkip = row.Find(RowSetting.ClipSkip) is { } skip
            ? RowNumbers.Whole(skip, 0, ModelRequirements.MaxClipSkip(folder))
            : common.ClipSkip,
        Loras = Loras(row) ?? common.Loras,
        Steps = row.Find(RowSetting.Steps) is { } steps ? RowNumbers.Whole(steps, 1, GenerateOptions.MaxSteps) : common.Steps,
        Width = Side(row, RowSetting.Width, common.Width ?? folder.DefaultSize.Width),
        Height = Side(row, RowSetting.Height, common.Height ?? folder.DefaultSize.Height),
    };

    /// <summary>The row's own seed, or the given one.</summary>
    /// <exception cref="RowException">The value is not a seed.</exception>
    public static ulong Seed(IRowValues row, ulong common) => row.Find(RowSetting.Seed) is { } seed ? RowNumbers.Seed(seed) : common;

    /// <summary>The row's own LoRAs, <c>name:weight;name:weight</c>; null if it has none.</summary>
    /// <exception cref="RowException">A name is empty.</exception>
    public static IReadOnlyList<LoraWeight>? Loras(IRowValues row)
    {
        if (row.Find(RowSetting.Loras) is not { } value)
            return null;
        try
        {
            return LoraWeight.ParseList((string)value.Value);
        }
        catch (ControlNetException error)
        {
            throw new RowException(value.Column, error);
        }
    }

    /// <summary>The row's strength, 0 to 1, or the common one.</summary>
    /// <exception cref="RowException">It is outside its range.</exception>
    public static double? Strength(IRowValues row, double? common) => Share(row, RowSetting.Strength) ?? common;

    /// <summary>A control network's scale, window and weighting.</summary>
    /// <param name="row">The row.</param>
    /// <param name="control">The index of the control network, from 0.</param>
    /// <param name="common">The settings common to all rows.</param>
    /// <exception cref="RowException">A value cannot be read, or is outside its range.</exception>
    public static ControlUnit Unit(IRowValues row, int control, ControlUnit common)
    {
        var scale = row.Find(RowSetting.ControlScale, control);
        var start = row.Find(RowSetting.ControlStart, control);
        var end = row.Find(RowSetting.ControlEnd, control);
        var unit = new ControlUnit
        {
            Scale = scale is { } ownScale ? RowNumbers.Real(ownScale) : common.Scale,
            Start = start is { } ownStart ? RowNumbers.Real(ownStart) : common.Start,
            End = end is { } ownEnd ? RowNumbers.Real(ownEnd) : common.End,
            Weighting = Named(row.Find(RowSetting.ControlWeighting, control), ControlWeightingNames.Parse) ?? common.Weighting,
        };
        if (unit.Validate() is not { } problem)
            return unit;
        throw (end ?? start ?? scale) is { } blamed ? new RowException(blamed.Column, problem) : new RowException(problem);
    }

    /// <summary>Throws unless the row's scheduler can take its steps and its eta.</summary>
    /// <param name="row">The row.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="strength">The strength of a row with an initial image; null for one that starts from noise.</param>
    /// <exception cref="RowException">The scheduler cannot.</exception>
    public void CheckSteps(IRowValues row, GenerateOptions options, double? strength)
    {
        var named = row.Find(RowSetting.Scheduler) is null ? null : options.Scheduler;
        var key = (named, options.StepCount, strength, options.Eta != 0);
        if (!_schedulerProblems.TryGetValue(key, out var problem))
        {
            problem = GenerateResult.Of(() => DenoisingLoop.CreateScheduler(Config(), options.StepCount, options.Eta, strength)).Failure;
            _schedulerProblems.Add(key, problem);
        }

        if (problem is null)
            return;

        // The scheduler's options are arguments; that its steps come to nothing is known only from its noise levels.
        var blamed = (problem is ArgumentException
            ? row.Find(RowSetting.Eta)
            : row.Find(RowSetting.Strength) ?? row.Find(RowSetting.Steps)) ?? row.Find(RowSetting.Scheduler);
        throw blamed is { } value ? new RowException(value.Column, Message.Of(problem)) : new RowException(Message.Of(problem));

        SchedulerConfig Config() => named is null ? scheduler : SchedulerCatalog.Configure(_own.Value, named);
    }

    private static double? Share(IRowValues row, RowSetting setting)
    {
        if (row.Find(setting) is not { } value)
            return null;
        var share = RowNumbers.Real(value);
        return share is >= 0 and <= 1 ? share : throw new RowException(value.Column, $"it is {value}, expected 0 to 1.");
    }

    private static string? SchedulerName(IRowValues row)
    {
        if (row.Find(RowSetting.Scheduler) is not { } value)
            return null;
        try
        {
            return SchedulerCatalog.NameOf((string)value.Value);
        }
        catch (ControlNetException error)
        {
            throw new RowException(value.Column, error);
        }
    }

    private int Side(IRowValues row, RowSetting setting, int common)
    {
        if (row.Find(setting) is not { } value)
            return common;
        var side = RowNumbers.Whole(value, 1, int.MaxValue);
        return ModelRequirements.OfSide(folder, side, setting.ToString()) is { } problem
            ? throw new RowException(value.Column, problem)
            : side;
    }

    private static string? Text(IRowValues row, RowSetting setting) => row.Find(setting) is { } value ? (string)value.Value : null;

    private static T? Named<T>(RowValue? value, Func<string, T> parse)
        where T : struct, Enum
    {
        if (value is not { } found)
            return null;
        try
        {
            return parse((string)found.Value);
        }
        catch (ControlNetException error)
        {
            throw new RowException(found.Column, error);
        }
    }
}
