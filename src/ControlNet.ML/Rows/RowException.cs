namespace ControlNet.ML.Rows;

/// <summary>Something is wrong with one row; the message names the column.</summary>
internal sealed class RowException : ControlNetException
{
    /// <summary>About the row as a whole.</summary>
    public RowException(string message)
        : base(message)
    {
    }

    /// <summary>About a column.</summary>
    public RowException(string column, string message)
        : base($"column {Internal.Message.Name(column)}: {message}")
    {
    }

    /// <summary>About a column, of which another part of the library said what is wrong.</summary>
    public RowException(string column, Exception inner)
        : base($"column {Internal.Message.Name(column)}: {inner.Message}", inner)
    {
    }
}
