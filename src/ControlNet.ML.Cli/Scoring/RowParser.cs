using System.Globalization;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Reads the columns of a row; what a row does not say, the settings say.</summary>
/// <param name="settings">The settings.</param>
/// <param name="columns">The table's columns.</param>
/// <param name="controls">The control networks with their own scales and windows.</param>
/// <param name="size">Size of rows that say none.</param>
/// <param name="multiple">What sides have to be multiples of.</param>
internal sealed class RowParser(ScoreSettings settings, ColumnPlan columns, IReadOnlyList<ControlArgument> controls, ImageSize size, int multiple)
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(settings.Table))!;

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowException">A value cannot be read or is out of its range.</exception>
    public RowRequest Parse(TableRow row)
    {
        if (row.Problem is { } problem)
            throw new RowException(problem);
        var own = new ImageSize(Whole(row, "width", 1, 65_535) ?? size.Width, Whole(row, "height", 1, 65_535) ?? size.Height);
        try
        {
            own.Check(multiple);
        }
        catch (ControlNetException e)
        {
            throw new RowException(columns.Text(row, "width") is null ? "height" : "width", e);
        }

        var options = settings.Options with
        {
            Seed = Seed(row) ?? throw new RowException("seed", $"it is {Message.Name(columns.Text(row, "seed")!)}, expected {SeedNumber.Expected}{Form(columns.Text(row, "seed")!)}."),
            NegativePrompt = Prompt(row, "negative_prompt") ?? settings.Options.NegativePrompt,
            Guidance = Number(row, "guidance") ?? settings.Options.Guidance,
            Steps = Whole(row, "steps", 1, GenerateOptions.MaxSteps) ?? settings.Options.Steps,
            Width = own.Width,
            Height = own.Height,
        };
        return new RowRequest(
            row.Number, Prompt(row, "prompt") ?? settings.Prompt, own, options, [.. Enumerable.Range(0, columns.Networks).Select(i => Source(row, i))],
            Start(row, options.Steps));
    }

    /// <summary>The row's own seed, or that of the settings plus its number; null if its own cannot be read.</summary>
    public ulong? Seed(TableRow row)
    {
        if (columns.Text(row, "seed") is not { } text)
            return unchecked(settings.Options.Seed + (ulong)row.Number);
        return SeedNumber.Parse(text);
    }

    private StartImage? Start(TableRow row, int steps)
    {
        if (columns.Text(row, "image") is null)
        {
            return Array.Find(["strength", "mask", "depth"], name => columns.Text(row, name) is not null) is { } without
                ? throw new RowException(without, "it has a value and 'image' has none, expected the path of an image to begin from.")
                : null;
        }

        var start = new StartImage(InFolder("image")!, Number(row, "strength"), InFolder("mask"), InFolder("depth"));
        var strength = start.StrengthOrDefault;
        if (strength is not (>= 0 and <= 1))
            throw new RowException("strength", string.Create(CultureInfo.InvariantCulture, $"it is {strength}, expected 0 to 1."));
        return Scheduler.FirstStep(steps, strength) < steps
            ? start
            : throw new RowException("strength", string.Create(CultureInfo.InvariantCulture, $"{strength} leaves none of the {steps} steps to run, expected one at least."));

        string? InFolder(string column) => columns.Text(row, column) is { } text ? Input(column, text) : null;
    }

    private string? Prompt(TableRow row, string column) =>
        columns.Text(row, column) is { } text && text.Contains('\0', StringComparison.Ordinal)
            ? throw new RowException(column, "it has a null character, which neither a text nor the image's description can hold.")
            : columns.Text(row, column);

    /// <summary>The file that a row names, from the table's folder.</summary>
    private string Input(string column, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new RowException(column, "it has a null character, expected the path of an image.");
        var file = Path.Combine(_folder, text);
        return RunFolder.HoldsImage(settings.Out, file)
            ? throw new RowException(column, $"{file}: lies among the images that this run writes, expected a file that stays as it is.")
            : file;
    }

    private RowSource Source(TableRow row, int network)
    {
        var control = controls[network];
        var unit = control.Unit(Mode(row, network) ?? settings.Weighting) with
        {
            Scale = Number(row, "scale", network) ?? control.Scale,
            Start = Number(row, "start", network) ?? control.Start,
            End = Number(row, "end", network) ?? control.End,
        };
        try
        {
            unit.Validate();
        }
        catch (ArgumentException e)
        {
            throw new RowException((columns.Text(row, "end", network) ?? columns.Text(row, "start", network))?.Column ?? "scale", e);
        }

        var (photo, condition) = (columns.Text(row, "photo", network), columns.Text(row, "condition", network));
        if (photo is not null && condition is not null)
            throw new RowException(photo.Value.Column, $"the column '{condition.Value.Column}' has a value too, expected one of them.");
        if ((photo ?? condition) is { } source)
            return new RowSource(source.Column, Input(source.Column, source.Text), photo is not null, unit);
        return unit.Scale == 0
            ? new RowSource(null, null, false, unit)
            : throw new RowException(columns.HasPhotos ? "photo" : "condition", $"there is no value{(columns.Networks == 1 ? "" : $" for control network {network + 1}")}, expected the path of an image (or scale 0).");
    }

    private ControlWeighting? Mode(TableRow row, int network)
    {
        if (columns.Text(row, "mode", network) is not var (column, text))
            return null;
        try
        {
            return ControlWeightingNames.Parse(text);
        }
        catch (ControlNetException e)
        {
            throw new RowException(column, e);
        }
    }

    private double? Number(TableRow row, string column) => columns.Text(row, column) is { } text ? Number(column, text) : null;

    private double? Number(TableRow row, string column, int network) =>
        columns.Text(row, column, network) is var (name, text) ? Number(name, text) : null;

    private static double Number(string column, string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : throw new RowException(column, $"it is {Message.Name(text)}, expected a number{Form(text)}.");

    /// <summary>How numbers are written, where a text looks like one of another country.</summary>
    private static string Form(string text) => text.Any(char.IsAsciiDigit) && text.Trim().Any(c => c is ',' or '\'' or '’' or '−' || char.IsWhiteSpace(c))
        ? " with a point before the decimals, the sign '-', and nothing between the thousands"
        : "";

    private int? Whole(TableRow row, string column, int least, int most)
    {
        if (columns.Text(row, column) is not { } text)
            return null;
        return Integer(text) is { } value && value >= least && value <= most
            ? (int)value
            : throw new RowException(column, string.Create(CultureInfo.InvariantCulture, $"it is {Message.Name(text)}, expected a whole number from {least:N0} to {most:N0}{Form(text)}."));
    }

    /// <summary>Whole numbers that programs wrote as 3.0, since their columns had gaps, are whole numbers.</summary>
    private static decimal? Integer(string text) =>
        decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value == decimal.Truncate(value) ? value : null;
}
