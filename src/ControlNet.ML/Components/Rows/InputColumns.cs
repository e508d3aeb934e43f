namespace ControlNet.ML.Components;

/// <summary>The columns that a component reads, as it asks for them.</summary>
internal sealed class InputColumns
{
    private readonly List<InputColumn> _columns = [];

    /// <summary>All of them, by their numbers.</summary>
    public IReadOnlyList<InputColumn> All => _columns;

    /// <summary>Asks for a column.</summary>
    /// <returns>Its number in a <see cref="RowBatch"/>.</returns>
    public int Add(InputColumn column)
    {
        ArgumentException.ThrowIfNullOrEmpty(column.Name);
        _columns.Add(column);
        return _columns.Count - 1;
    }

    /// <summary>Asks for a column if the options name one.</summary>
    /// <returns>Its number in a <see cref="RowBatch"/>, or null.</returns>
    public int? Add(string? name, Func<string, InputColumn> kind) => name is null ? null : Add(kind(name));
}
