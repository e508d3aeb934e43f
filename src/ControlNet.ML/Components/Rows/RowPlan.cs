using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Components;

/// <summary>The validated settings that the rows of a denoising component share, and the reader of per-row settings.</summary>
internal sealed class RowPlan
{
    private readonly RowColumns _columns;
    private readonly IReadOnlyList<ControlColumn> _controls;

    /// <summary>Checks model, networks and options.</summary>
    /// <param name="model">The model.</param>
    /// <param name="controls">The control networks.</param>
    /// <param name="options">The options.</param>
    /// <param name="inputs">Receives the columns to read.</param>
    /// <exception cref="ControlNetException">
    /// A network is of another family, an option is outside its range, or the scheduler is unknown.
    /// </exception>
    public RowPlan(DiffusionModel model, IReadOnlyList<ControlColumn> controls, DenoiseComponentOptions options, InputColumns inputs)
    {
        options.Check();
        var generate = options as GenerateComponentOptions;
        ModelRequirements.CheckInputs(model.Name, model.Folder, generate?.MaskColumn is not null, generate?.DepthColumn is not null);
        foreach (var control in controls)
        {
            ModelRequirements.CheckFamily(model, control.Network);
            Require(control.Unit.Validate());
        }

        var common = options.ToGenerateOptions().For(model.Folder.Generation);
        Scheduler = common.SchedulerConfig ?? SchedulerCatalog.Choose(model.Scheduler, common.Scheduler);
        var own = model.Folder.DefaultSize;
        (Width, Height) = (common.Width ?? own.Width, common.Height ?? own.Height);
        Require(ModelRequirements.OfSide(model.Folder, Width, "Width") ?? ModelRequirements.OfSide(model.Folder, Height, "Height"));
        model.Loras.Resolve(common.Loras);
        _columns = new RowColumns(options, controls, inputs);
        _controls = controls;
        Reader = new RowReader(model.Folder, Scheduler, common);
        Seed = options.Seed;
        HasOwnSizes = _columns.Has(RowSetting.Width) || _columns.Has(RowSetting.Height);
    }

    /// <summary>Width of the images in pixels, for rows without their own.</summary>
    public int Width { get; }

    /// <summary>Height of the images in pixels, for rows without their own.</summary>
    public int Height { get; }

    /// <summary>Whether a column gives the width or height.</summary>
    public bool HasOwnSizes { get; }

    /// <summary>The scheduler.</summary>
    public SchedulerConfig Scheduler { get; }

    private RowReader Reader { get; }

    private ulong Seed { get; }

    /// <summary>A row's settings.</summary>
    public IRowValues Values(RowBatch batch, int row) => _columns.Of(batch, row);

    /// <summary>A row's steps, guidance, seed and size.</summary>
    /// <param name="values">The row's settings.</param>
    /// <param name="image">The row's initial image, or null.</param>
    /// <exception cref="RowException">A value is outside its range.</exception>
    public GenerateOptions Options(IRowValues values, ImageInput? image = null)
    {
        var options = Reader.Options(values, Seed) with { Image = image };
        Reader.CheckSteps(values, options, image?.StrengthOrDefault);
        return options;
    }

    /// <summary>Scale, window and weighting of a row's control networks.</summary>
    /// <exception cref="RowException">A value is outside its range.</exception>
    public ControlUnit[] Units(IRowValues values) => [.. _controls.Select((control, i) => RowReader.Unit(values, i, control.Unit))];

    private static void Require(string? problem)
    {
        if (problem is not null)
            throw new ControlNetException(problem);
    }
}
