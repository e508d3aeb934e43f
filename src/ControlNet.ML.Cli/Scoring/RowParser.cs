using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Rows;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Parses a row: its settings with the reader that the ML.NET components also use, and the files that it names.</summary>
/// <param name="settings">The settings.</param>
/// <param name="columns">The table's columns.</param>
/// <param name="controls">The control networks with their default scale, start and end.</param>
/// <param name="reader">Reads the settings.</param>
internal sealed class RowParser(ScoreSettings settings, ColumnPlan columns, IReadOnlyList<ControlArgument> controls, RowReader reader)
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(settings.Table))!;

    /// <summary>Parses a row.</summary>
    /// <exception cref="RowException">A value cannot be parsed or is out of range.</exception>
    public RowRequest Parse(TableRow row)
    {
        if (row.Problem is { } problem)
            throw new RowException(problem);
        var values = new TableRowValues(columns, row);
        var options = reader.Options(values, SeedOf(row.Number));
        if (columns.Text(row, "lora") is not null)
            options = options with { Loras = [.. options.Loras.Select(lora => lora with { Name = LoraFile(lora.Name) })] };
        var sources = Enumerable.Range(0, controls.Count).Select(i => Source(row, values, i)).ToArray();
        var start = Start(row, values);
        reader.CheckSteps(values, options, start?.StrengthOrDefault);
        return new RowRequest(row.Number, RowReader.Prompt(values, settings.Prompt), options, sources, start);
    }

    /// <summary>The row's own seed, or that of the settings plus the row's number; null if its own cannot be parsed.</summary>
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
                ? throw new RowException(without, $"{InputRules.NeedsImage("a value in 'image'")}.")
                : null;
        }

        return new StartImage(Input("image", image), RowReader.Strength(values, common: null), InFolder("mask"), InFolder("depth"));

        string? InFolder(string column) => columns.Text(row, column) is { } text ? Input(column, text) : null;
    }

    /// <summary>The path of a file that a row names relative to the table's folder.</summary>
    private string Input(string column, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new RowException(column, "the value contains a null character, expected the path of a file.");
        var file = Path.Combine(_folder, text);
        return ScoringFolder.HoldsImage(settings.Out, file)
            ? throw new RowException(column, $"{file}: is in the folder to which this run writes its images, expected a file outside it.")
            : file;
    }

    private string LoraFile(string name) =>
        ModelNames.FindHubId(name) is not null && !File.Exists(Path.Combine(_folder, name)) ? name : Input("lora", name);

    private RowSource Source(TableRow row, TableRowValues values, int network)
    {
        var unit = RowReader.Unit(values, network, controls[network].Unit(settings.Weighting));
        var (photo, condition) = (columns.Text(row, "photo", network), columns.Text(row, "condition", network));
        if (photo is not null && condition is not null)
            throw new RowException(photo.Value.Column, InputRules.OneSource($"'{photo.Value.Column}'", $"'{condition.Value.Column}'"));
        if ((photo ?? condition) is { } source)
            return new RowSource(source.Column, Input(source.Column, source.Text), photo is not null, unit);
        if (!unit.TakesPart)
            return new RowSource(null, null, false, unit);
        var of = columns.Networks == 1 ? "" : $" for control network {network + 1}";
        throw new RowException(
            columns.HasPhotos ? "photo" : "condition", $"the value{of} is missing, expected the path of an image (or scale 0).");
    }
}
