namespace ControlNet.ML.Cli.Scoring;

/// <summary>Something is wrong with one row; the message, one line without control characters, names the column.</summary>
internal sealed class RowException : Exception
{
    public RowException(string message)
        : base(ML.Message.Line(message))
    {
    }

    public RowException(string column, string message)
        : base(ML.Message.Line($"column {ML.Message.Name(column)}: {message}"))
    {
    }

    public RowException(string column, Exception inner)
        : base(ML.Message.Line($"column {ML.Message.Name(column)}: {inner.Message}"), inner)
    {
    }
}
