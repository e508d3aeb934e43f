using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Checks every row without making anything: values, files and the headers of the pictures.</summary>
internal static class DryRun
{
    /// <summary>What is wrong, row by row, as it is found; null for a row that is fine.</summary>
    public static IEnumerable<string?> Check(ScorePlan plan, CancellationToken cancellationToken)
    {
        foreach (var row in plan.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return Problem(plan, row);
        }
    }

    private static string? Problem(ScorePlan plan, TableRow row)
    {
        try
        {
            foreach (var control in plan.Parser.Parse(row).Controls.Where(control => control.File is not null && control.Unit.Scale != 0))
                Look(control);
            return null;
        }
        catch (RowException e)
        {
            return $"row {row.Number}, {e.Message}";
        }
    }

    private static void Look(RowSource control)
    {
        try
        {
            ImageHeader.Read(control.File!);
        }
        catch (ControlNetException e)
        {
            throw new RowException(control.Column!, e);
        }
    }
}
