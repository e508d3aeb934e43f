using ControlNet.ML.Adapters;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Imaging;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Checks every row without generating anything: values, files and image headers.</summary>
internal static class DryRun
{
    /// <summary>The problem of each row as it is checked; null for a valid row.</summary>
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
            var request = plan.Parser.Parse(row);
            foreach (var control in request.Controls.Where(control => control.File is not null && control.Unit.TakesPart))
                Look(control.Column!, control.File!);
            if (request.Start is { } start)
                Look("image", start.Image);
            if (request.Start?.Mask is { } mask)
                Look("mask", mask);
            if (request.Start?.Depth is { } depth && !File.Exists(depth))
                throw new RowException("depth", $"{depth}: the file does not exist.");
            FindLoras(plan, request);
            return null;
        }
        catch (RowException e)
        {
            return $"row {row.Number}, {e.Message}";
        }
    }

    private static void FindLoras(ScorePlan plan, RowRequest request)
    {
        try
        {
            plan.Loras.Resolve(LoraTags.Apply(new GenerateRequest(request.Prompt, [], request.Options)).Options.Loras);
        }
        catch (ControlNetException e)
        {
            throw new RowException(plan.Columns.Has("lora") ? "lora" : "prompt", e);
        }
    }

    private static void Look(string column, string file)
    {
        try
        {
            ImageHeader.Read(file);
        }
        catch (ControlNetException e)
        {
            throw new RowException(column, e);
        }
    }
}
