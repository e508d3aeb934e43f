using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Reads a row: its settings by the reader that ML.NET's rows have too, and the files that it names.</summary>
/// <param name="settings">The settings.</param>
/// <param name="columns">The table's columns.</param>
/// <param name="controls">The control networks with their own scales and windows.</param>
/// <param name="reader">Reads the settings.</param>
internal sealed class RowParser(ScoreSettings settings, ColumnPlan columns, IReadOnlyList<ControlArgument> controls, RowReader reader)
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(settings.Table))!;

    /// <summary>Reads a row.</summary>
    /// <exception cref="RowException">A value cannot be read or is outside its range.</exception>
    public RowRequest Parse(TableRow row)
    {
        if (row.Problem is { } problem)
            throw new RowException(problem);
        var values = new TableRowValues(columns, row);
        var options = reader.Options(values, SeedOf(row.Number));
        var sources = Enumerable.Range(0, columns.Networks).Select(i => Source(row, values, i)).ToArray();
        var start = Start(row, values);
        reader.CheckSteps(values, options.Steps, start?.StrengthOrDefault);
        return new RowRequest(row.Number, RowReader.Prompt(values, settings.Prompt), options, sources, start);
    }

    /// <summary>The row's own seed, or that of the settings plus its number; null if its own cannot be read.</summary>
    public ulong? Seed(TableRow row)
    {
        try
        {
            return RowReader.Seed(new TableRowValues(columns, row), SeedOf(row.Number));
        }
        catch (RowException)
        {
            return null;
        }
    }

    private ulong SeedOf(long row) => unchecked(settings.Options.Seed + (ulong)row);

    private StartImage? Start(TableRow row, TableRowValues values)
    {
        if (columns.Text(row, "image") is not { } image)
        {
            return Array.Find(["strength", "mask", "depth"], name => columns.Text(row, name) is not null) is { } without
                ? throw new RowException(without, "it has a value and 'image' has none, expected the path of an image to begin from.")
                : null;
        }

        return new StartImage(Input("image", image), RowReader.Strength(values, common: null), InFolder("mask"), InFolder("depth"));

        string? InFolder(string column) => columns.Text(row, column) is { } text ? Input(column, text) : null;
    }

    /// <summary>The file that a row names, from the table's folder.</summary>
    private string Input(string column, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new RowException(column, "it has a null character, expected the path of an image.");
        var file = Path.Combine(_folder, text);
        return ScoringFolder.HoldsImage(settings.Out, file)
            ? throw new RowException(column, $"{file}: lies among the images that this run writes, expected a file that stays as it is.")
            : file;
    }

    private RowSource Source(TableRow row, TableRowValues values, int network)
    {
        var unit = RowReader.Unit(values, network, controls[network].Unit(settings.Weighting));
        var (photo, condition) = (columns.Text(row, "photo", network), columns.Text(row, "condition", network));
        if (photo is not null && condition is not null)
            throw new RowException(photo.Value.Column, $"the column '{condition.Value.Column}' has a value too, expected one of them.");
        if ((photo ?? condition) is { } source)
            return new RowSource(source.Column, Input(source.Column, source.Text), photo is not null, unit);
        return unit.TakesPart
            ? throw new RowException(columns.HasPhotos ? "photo" : "condition", $"there is no value{(columns.Networks == 1 ? "" : $" for control network {network + 1}")}, expected the path of an image (or scale 0).")
            : new RowSource(null, null, false, unit);
    }
}
