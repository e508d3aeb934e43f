using ControlNet.ML.Rows;

namespace ControlNet.ML.Components;

/// <summary>The ML.NET columns with per-row settings.</summary>
internal sealed class RowColumns
{
    private readonly Dictionary<(RowSetting Setting, int Control), int> _columns = [];

    /// <summary>Adds the columns that the options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="controls">The controls.</param>
    /// <param name="inputs">Receives the columns to read.</param>
    public RowColumns(DenoiseComponentOptions options, IReadOnlyList<ControlColumn> controls, InputColumns inputs)
    {
        Add(RowSetting.Seed, options.SeedColumn, InputColumn.Number);
        Add(RowSetting.Steps, options.StepsColumn, InputColumn.Number);
        Add(RowSetting.Guidance, options.GuidanceColumn, InputColumn.Number);
        Add(RowSetting.Loras, options.LorasColumn, InputColumn.Text);
        if (options is GenerateComponentOptions generate)
        {
            Add(RowSetting.NegativePrompt, generate.NegativePromptColumn, InputColumn.Text);
            Add(RowSetting.Width, generate.WidthColumn, InputColumn.Number);
            Add(RowSetting.Height, generate.HeightColumn, InputColumn.Number);
            Add(RowSetting.Strength, generate.StrengthColumn, InputColumn.Number);
        }

        for (var i = 0; i < controls.Count; i++)
        {
            Add(RowSetting.ControlScale, controls[i].ScaleColumn, InputColumn.Number, i);
            Add(RowSetting.ControlStart, controls[i].StartColumn, InputColumn.Number, i);
            Add(RowSetting.ControlEnd, controls[i].EndColumn, InputColumn.Number, i);
            Add(RowSetting.ControlWeighting, controls[i].WeightingColumn, InputColumn.Text, i);
        }

        void Add(RowSetting setting, string? name, Func<string, InputColumn> kind, int control = 0)
        {
            if (inputs.Add(name, kind) is { } column)
                _columns.Add((setting, control), column);
        }
    }

    /// <summary>Whether a setting has a column.</summary>
    public bool Has(RowSetting setting) => _columns.ContainsKey((setting, 0));

    /// <summary>A row's settings. An empty text is no setting, so that the setting of all rows applies.</summary>
    public IRowValues Of(RowBatch batch, int row) => new Values(_columns, batch, row);

    private sealed class Values(Dictionary<(RowSetting, int), int> columns, RowBatch batch, int row) : IRowValues
    {
        public RowValue? Find(RowSetting setting, int control)
        {
            if (!columns.TryGetValue((setting, control), out var column))
                return null;
            object value = setting is RowSetting.NegativePrompt or RowSetting.ControlWeighting or RowSetting.Loras
                ? batch.Text(column, row)
                : batch.Number(column, row);
            return value is "" ? null : new RowValue(batch.Column(column).Name, value);
        }
    }
}
