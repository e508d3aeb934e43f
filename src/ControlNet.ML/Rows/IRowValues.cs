namespace ControlNet.ML.Rows;

/// <summary>What a row may say of how its image is made.</summary>
internal enum RowSetting
{
    Prompt,
    NegativePrompt,
    Seed,
    Steps,
    Guidance,
    Width,
    Height,
    Strength,
    ControlScale,
    ControlStart,
    ControlEnd,
    ControlWeighting,
}

/// <summary>The settings of one row, whatever table it is in.</summary>
internal interface IRowValues
{
    /// <summary>A setting's value.</summary>
    /// <param name="setting">The setting.</param>
    /// <param name="control">Which control network, from 0, for settings of one.</param>
    /// <returns>The value; null where the row says nothing.</returns>
    RowValue? Find(RowSetting setting, int control = 0);
}

/// <summary>A value of a row.</summary>
/// <param name="Column">Its column's name, for messages.</param>
/// <param name="Value">A text, or a number of any numeric type.</param>
internal readonly record struct RowValue(string Column, object Value)
{
    /// <summary>The value as messages show it.</summary>
    public override string ToString() => Value is string text ? Message.Name(text) : ((IFormattable)Value).ToString(null, System.Globalization.CultureInfo.InvariantCulture);
}
