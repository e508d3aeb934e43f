namespace ControlNet.ML.Rows;

/// <summary>The settings that a row may have.</summary>
internal enum RowSetting
{
    Prompt,
    NegativePrompt,
    PromptSyntax,
    Seed,
    Steps,
    Guidance,
    GuidanceRescale,
    Scheduler,
    Eta,
    ClipSkip,
    Loras,
    Width,
    Height,
    Strength,
    ControlScale,
    ControlStart,
    ControlEnd,
    ControlWeighting,
}

/// <summary>The settings of one row, of any kind of table.</summary>
internal interface IRowValues
{
    /// <summary>A setting's value.</summary>
    /// <param name="setting">The setting.</param>
    /// <param name="control">The index of the control network, from 0, for settings of a control network.</param>
    /// <returns>The value; null if the row has none.</returns>
    RowValue? Find(RowSetting setting, int control = 0);
}

/// <summary>A value of a row.</summary>
/// <param name="Column">Its column's name, for messages.</param>
/// <param name="Value">A string, or a number of any numeric type.</param>
internal readonly record struct RowValue(string Column, object Value)
{
    /// <summary>The value, formatted for messages.</summary>
    public override string ToString() =>
        Value is string text ? Message.Name(text) : ((IFormattable)Value).ToString(null, System.Globalization.CultureInfo.InvariantCulture);
}
