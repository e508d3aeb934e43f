namespace ControlNet.ML.Cli.Scoring;

/// <summary>Something is wrong with one row; the message names the column.</summary>
internal sealed class RowException : Exception
{
    public RowException(string message)
        : base(message)
    {
    }

    public RowException(string column, string message)
        : base($"column '{column}': {message}")
    {
    }

    public RowException(string column, Exception inner)
        : base($"column '{column}': {inner.Message}", inner)
    {
    }
}
