namespace ControlNet.ML.Rows;

/// <summary>An error in one row; the message names the column.</summary>
internal sealed class RowException : ControlNetException
{
    /// <summary>An error in the row as a whole.</summary>
    public RowException(string message)
        : base(message)
    {
    }

    /// <summary>An error in a column.</summary>
    public RowException(string column, string message)
        : base($"column {Internal.Message.Name(column)}: {message}")
    {
    }

    /// <summary>An error in a column that another part of the library reported.</summary>
    public RowException(string column, Exception inner)
        : base($"column {Internal.Message.Name(column)}: {inner.Message}", inner)
    {
    }
}
