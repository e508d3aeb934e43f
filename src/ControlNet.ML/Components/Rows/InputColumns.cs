namespace ControlNet.ML.Components;

/// <summary>Collects the columns that a component reads.</summary>
internal sealed class InputColumns
{
    private readonly List<InputColumn> _columns = [];

    /// <summary>All columns, by index.</summary>
    public IReadOnlyList<InputColumn> All => _columns;

    /// <summary>Adds a column.</summary>
    /// <returns>Its index in a <see cref="RowBatch"/>.</returns>
    public int Add(InputColumn column)
    {
        ArgumentException.ThrowIfNullOrEmpty(column.Name);
        _columns.Add(column);
        return _columns.Count - 1;
    }

    /// <summary>Adds a column if the options name one.</summary>
    /// <returns>Its index in a <see cref="RowBatch"/>, or null.</returns>
    public int? Add(string? name, Func<string, InputColumn> create) => name is null ? null : Add(create(name));
}
