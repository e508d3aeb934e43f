namespace ControlNet.ML.Cli.Scoring;

/// <summary>Something is wrong with one row; the message, one line without control characters, names the column.</summary>
internal sealed class RowException : Exception
{
    public RowException(string message)
        : base(Internal.Message.Line(message))
    {
    }

    public RowException(string column, string message)
        : base(Internal.Message.Line($"column {Internal.Message.Name(column)}: {message}"))
    {
    }

    public RowException(string column, Exception inner)
        : base(Internal.Message.Line($"column {Internal.Message.Name(column)}: {inner.Message}"), inner)
    {
    }
}
