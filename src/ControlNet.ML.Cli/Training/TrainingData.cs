using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Training;

/// <summary>Opens a folder of rows to train on: what the library reads, or Parquet files.</summary>
internal static class TrainingData
{
    /// <summary>Opens a folder; images that are stored in Parquet files go to <c>data</c> in the run's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="columns">The names of the columns; null for the usual ones.</param>
    /// <param name="encoding">The encoding of a text file; null for UTF-8.</param>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="show">Told what is being done, the amount done and the total.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ControlNetException">The folder has no rows, or one cannot be read.</exception>
    /// <exception cref="UsageException">An encoding is given for Parquet files.</exception>
    public static TrainingTable Open(
        string folder, TrainingColumns? columns, string? encoding, string runFolder, Action<string, double, double> show,
        CancellationToken cancellationToken)
    {
        var root = Path.GetFullPath(folder);
        if (!Directory.Exists(root) || TrainingTable.FindFile(root) is not null || ParquetSplit.Files(root) is not { Count: > 0 } files)
            return TrainingTable.Open(folder, columns, encoding);
        if (encoding is not null)
            throw new UsageException(Tables.TableReader.EncodingOfParquet);
        TrainingFolder.RequireUsable(runFolder);
        return new ParquetRows(root, columns ?? new TrainingColumns(), Path.Combine(runFolder, "data"), cancellationToken)
            .Read(files, (done, total) => show("reading images", done, total));
    }
}
