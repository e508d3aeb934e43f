using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Pipelines;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Plans batches inside windows of the table. Which rows meet depends on the table alone, never on what is done already: a run that was
/// interrupted thus computes the same numbers as one that was not, to the last bit.
/// </summary>
internal static class RowBatches
{
    // Batches to look ahead for rows that fit together; enough for a table in which a few sizes alternate.
    private const int BatchesAhead = 8;

    /// <summary>The rows of a shard in windows, of which one is finished before the next begins.</summary>
    public static IEnumerable<TableRow[]> Windows(IEnumerable<TableRow> rows, int batch) => rows.Chunk(batch == 1 ? 1 : batch * BatchesAhead);

    /// <summary>The batches of a window.</summary>
    public static IEnumerable<RowRequest[]> Of(IEnumerable<RowRequest> window, int batch) => BatchPlanner.Plan(window, request => request.Key, batch);
}
