using System.Text.Json.Serialization;

namespace ControlNet.ML.Components;

/// <summary>
/// Options of every ML.NET component of this library. Everything except the cancellation token and progress is saved with the model.
/// </summary>
public record ComponentOptions
{
    /// <summary>
    /// Batch size: the number of rows that are read ahead and processed together, at least 1. It does not change the results.
    /// </summary>
    /// <value>4.</value>
    public int BatchSize { get; init; } = 4;

    /// <summary>
    /// Whether reading a failed row throws, with the row and the column in the message. Otherwise the row gets a missing value (no image),
    /// <see cref="ErrorColumn"/> holds the reason, and the run continues.
    /// </summary>
    /// <value>False.</value>
    public bool Strict { get; init; }

    /// <summary>
    /// The text column for the reason why a row failed, empty for rows that did not; null for none. If the input has a text column of this
    /// name, its texts count as failures: rows that failed in an earlier component are not tried again and keep the first reason.
    /// </summary>
    /// <value><c>Error</c>.</value>
    public string? ErrorColumn { get; init; } = "Error";

    /// <summary>
    /// Stops the reading of rows with an <see cref="OperationCanceledException"/>: before the next batch, within a batch of conditions
    /// before the next row, and within a batch of networks before the next step. Not saved: to stop a loaded model, stop reading the rows.
    /// </summary>
    /// <value>None.</value>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>
    /// Reports after each batch, on the calling thread, how many rows the component has processed since it was created, over all readings.
    /// Not saved.
    /// </summary>
    /// <value>None.</value>
    [JsonIgnore]
    public IProgress<long>? Progress { get; init; }

    /// <summary>Checks the options.</summary>
    /// <returns>
    /// What is wrong, such as a batch size less than 1 or an error column with an empty name. Null if the options are valid.
    /// </returns>
    public virtual string? Validate()
    {
        if (BatchSize < 1)
            return $"{nameof(BatchSize)} is {BatchSize}, expected at least 1.";
        return ErrorColumn is { Length: 0 } ? $"{nameof(ErrorColumn)} is empty, expected a name, or null for no error column." : null;
    }

    /// <summary>Throws unless the options are valid.</summary>
    /// <exception cref="ControlNetException">They are not; the message says why.</exception>
    internal void Check()
    {
        if (Validate() is { } problem)
            throw new ControlNetException(problem);
    }
}
