using System.Text.Json;
using ControlNet.ML.Configuration;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// The batch size of a run: that of the settings; or, where they leave it open, the one that was measured when the run began, so that a
/// resumed run generates the same images as an uninterrupted one.
/// </summary>
internal static class BatchSize
{
    /// <summary>The largest.</summary>
    public const int Largest = 256;

    // Trying larger ones takes as long as many images.
    private const int LargestMeasured = 32;

    /// <summary>The size, which is measured on the first row that can be loaded.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="folder">Where the size is kept.</param>
    /// <param name="model">The model.</param>
    /// <param name="loader">Loads the row.</param>
    /// <param name="cancellationToken">Checked before each denoising step.</param>
    public static int Of(
        ScorePlan plan, ScoringFolder folder, DiffusionModel model, RowLoader loader, CancellationToken cancellationToken)
    {
        if (plan.Settings.Batch is { } given)
            return given;
        if (Kept(folder.BatchSize) is { } kept)
            return kept;
        var most = (int)Math.Min(LargestMeasured, plan.Rows);
        var size = First(plan, loader, cancellationToken) is { } row && most > 1 ? Measured(row) : 1;
        AtomicFile.Write(folder.BatchSize, stream => JsonSerializer.Serialize(stream, new Record(size), Json.Options));
        return size;

        int Measured(LoadedRow row)
        {
            try
            {
                return model.MeasureBatchSize(row.Image, most, cancellationToken);
            }
            catch (Exception e) when (e is ArgumentException or ControlNetException)
            {
                // The row fails when its turn comes, with this reason.
                return 1;
            }
        }
    }

    private static LoadedRow? First(ScorePlan plan, RowLoader loader, CancellationToken cancellationToken)
    {
        foreach (var row in plan.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return loader.Load(plan.Parser.Parse(row));
            }
            catch (RowException)
            {
                // It fails when its turn comes; any other row tells as much.
            }
        }

        return null;
    }

    /// <summary>The size that was measured when a run began; null if none was.</summary>
    /// <exception cref="ControlNetException">The file is damaged.</exception>
    public static int? Kept(string path)
    {
        if (!File.Exists(path))
            return null;
        var size = JsonText.Deserialize<Record>(JsonText.ReadFile(path, path), path, Json.Options).BatchSize;
        return size is >= 1 and <= Largest
            ? size
            : throw new ControlNetException(
                $"{path}: its batch_size is {size}, expected 1 to {Largest}, the size that was measured when the run began.");
    }

    private sealed record Record(int BatchSize);
}
