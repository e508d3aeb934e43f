using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The settings of a row of a table, in the columns that docs/scoring.md lists.</summary>
/// <param name="columns">The table's columns.</param>
/// <param name="row">The row.</param>
internal sealed class TableRowValues(ColumnPlan columns, TableRow row) : IRowValues
{
    /// <inheritdoc/>
    public RowValue? Find(RowSetting setting, int control)
    {
        if (OfControl(setting) is { } own)
            return columns.Text(row, own, control) is var (column, value) ? new RowValue(column, value) : null;
        var name = OfImage(setting);
        if (columns.Text(row, name) is not { } text)
            return null;
        return setting is RowSetting.Prompt or RowSetting.NegativePrompt && text.Contains('\0', StringComparison.Ordinal)
            ? throw new RowException(name, "the value contains a null character, which a prompt and the image's metadata cannot hold.")
            : new RowValue(name, text);
    }

    private static string? OfControl(RowSetting setting) => setting switch
    {
        RowSetting.ControlScale => "scale",
        RowSetting.ControlStart => "start",
        RowSetting.ControlEnd => "end",
        RowSetting.ControlWeighting => "mode",
        _ => null,
    };

    private static string OfImage(RowSetting setting) => setting switch
    {
        RowSetting.Prompt => "prompt",
        RowSetting.NegativePrompt => "negative_prompt",
        RowSetting.PromptSyntax => "prompt_syntax",
        RowSetting.Seed => "seed",
        RowSetting.Steps => "steps",
        RowSetting.Guidance => "guidance",
        RowSetting.GuidanceRescale => "guidance_rescale",
        RowSetting.Scheduler => "scheduler",
        RowSetting.Eta => "eta",
        RowSetting.ClipSkip => "clip_skip",
        RowSetting.Loras => "lora",
        RowSetting.Width => "width",
        RowSetting.Height => "height",
        RowSetting.Strength => "strength",
        _ => throw new ArgumentOutOfRangeException(nameof(setting), setting, "Unknown setting."),
    };
}
