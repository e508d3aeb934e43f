using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Pipelines;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Plans batches inside windows of the table. Which rows share a batch depends only on the table, never on which rows are finished: an
/// interrupted run computes the same numbers as an uninterrupted one, bit for bit.
/// </summary>
internal static class RowBatches
{
    // Batches in a window, to find rows that can share one; enough for a table in which a few sizes alternate.
    private const int BatchesAhead = 8;

    /// <summary>Splits the rows of a shard into windows; each is finished before the next begins.</summary>
    public static IEnumerable<TableRow[]> Windows(IEnumerable<TableRow> rows, int batch) =>
        rows.Chunk(batch == 1 ? 1 : batch * BatchesAhead);

    /// <summary>The batches of a window.</summary>
    public static IEnumerable<RowRequest[]> Of(IEnumerable<RowRequest> window, int batch) =>
        BatchPlanner.Plan(window, request => request.Key, batch);
}
