using System.Text.Json.Serialization;

namespace ControlNet.ML.Components;

/// <summary>What every ML.NET component of this library lets one choose. All of it but the token and the progress is saved with the model.</summary>
public record ComponentOptions
{
    /// <summary>How many rows are read ahead and worked on together, at least 1. Rows never depend on it.</summary>
    /// <value>4.</value>
    public int BatchSize { get; init; } = 4;

    /// <summary>
    /// Whether reading a row that fails throws, with the row and the column in the message. Else such a row has a missing value (no
    /// image), the reason stands in <see cref="ErrorColumn"/>, and the run goes on.
    /// </summary>
    /// <value>False.</value>
    public bool Strict { get; init; }

    /// <summary>
    /// The text column for the reason why a row failed, empty for rows that did not; null for none. If the input has a text column of this
    /// name, its texts are reasons too: rows that failed in an earlier component are not tried again, and keep the first reason.
    /// </summary>
    /// <value><c>Error</c>.</value>
    public string? ErrorColumn { get; init; } = "Error";

    /// <summary>
    /// Stops the reading of rows with an <see cref="OperationCanceledException"/>: before the next batch, within a batch of conditions before
    /// the next row, of networks before the next step. Not saved: of a loaded model, stop reading the rows.
    /// </summary>
    /// <value>None.</value>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>
    /// Told after each batch how many rows the component has worked on since it was made, over all readings, from the thread that works.
    /// Not saved.
    /// </summary>
    /// <value>None.</value>
    [JsonIgnore]
    public IProgress<long>? Progress { get; init; }

    /// <summary>Checks the options.</summary>
    /// <returns>What is wrong, such as a batch size less than 1 or an error column without a name. Null if nothing is.</returns>
    public virtual string? Validate()
    {
        if (BatchSize < 1)
            return $"{nameof(BatchSize)} is {BatchSize}, expected at least 1.";
        return ErrorColumn is { Length: 0 } ? $"{nameof(ErrorColumn)} is empty, expected a name, or null for no such column." : null;
    }

    /// <summary>Throws unless the options are usable.</summary>
    /// <exception cref="ControlNetException">They are not; the message says why.</exception>
    internal void Check()
    {
        if (Validate() is { } problem)
            throw new ControlNetException(problem);
    }
}
