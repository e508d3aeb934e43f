using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Components;

/// <summary>What the rows of a denoising component share, found to go together, and the reader of what each says itself.</summary>
internal sealed class RowPlan
{
    private readonly RowColumns _columns;
    private readonly IReadOnlyList<ControlColumn> _controls;

    /// <summary>Checks model, networks and options.</summary>
    /// <param name="model">The model.</param>
    /// <param name="controls">The control networks.</param>
    /// <param name="options">The options.</param>
    /// <param name="inputs">Gets the columns to read.</param>
    /// <exception cref="ControlNetException">A network is of another family, an option is outside its range, or the scheduler is unknown.</exception>
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

        Scheduler = options.SchedulerConfig ?? SchedulerCatalog.Choose(model.Scheduler, options.Scheduler);
        var common = options.ToGenerateOptions();
        (Width, Height) = (common.Width ?? model.NativeSize, common.Height ?? model.NativeSize);
        Require(ModelRequirements.OfSide(model.Folder, Width, "Width") ?? ModelRequirements.OfSide(model.Folder, Height, "Height"));
        (_columns, _controls, Reader) = (new RowColumns(options, controls, inputs), controls, new RowReader(model.Folder, Scheduler, common));
        Seed = options.Seed;
        HasOwnSizes = _columns.Has(RowSetting.Width) || _columns.Has(RowSetting.Height);
    }

    /// <summary>Columns of the images in pixels, where the row says nothing.</summary>
    public int Width { get; }

    /// <summary>Rows of the images in pixels, where the row says nothing.</summary>
    public int Height { get; }

    /// <summary>Whether a column has the size.</summary>
    public bool HasOwnSizes { get; }

    /// <summary>The scheduler.</summary>
    public SchedulerConfig Scheduler { get; }

    private RowReader Reader { get; }

    private ulong Seed { get; }

    /// <summary>A row's settings.</summary>
    public IRowValues Values(RowBatch batch, int row) => _columns.Of(batch, row);

    /// <summary>A row's steps, guidance, seed and size.</summary>
    /// <param name="values">Its settings.</param>
    /// <param name="image">The image that it begins from, or null.</param>
    /// <exception cref="RowException">A value is outside its range.</exception>
    public GenerateOptions Options(IRowValues values, ImageInput? image = null)
    {
        var options = Reader.Options(values, Seed) with { Image = image };
        Reader.CheckSteps(values, options.Steps, image?.StrengthOrDefault);
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
