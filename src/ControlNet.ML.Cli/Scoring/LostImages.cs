using System.Security.Cryptography;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Finds rows whose image was written but has since been lost: deleted, truncated, emptied by a full or disconnected disk, or, with
/// --verify, changed.
/// </summary>
internal static class LostImages
{
    /// <summary>Removes rows whose image is lost from the journal, so that they are scored again.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="verify">Whether to compare each file with its SHA-256 instead of only its length.</param>
    /// <param name="done">Receives the number of images checked so far.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <returns>The number of lost images.</returns>
    public static int Forget(ScoringFolder folder, bool verify, Action<long> done, CancellationToken cancellationToken)
    {
        HashSet<long> lost = [];
        if (File.Exists(folder.Journal))
        {
            using var stream = RegularFile.Open(folder.Journal, folder.Journal);
            var count = 0L;
            foreach (var entry in JournalLines.Read(stream, folder.Journal).Select(line => line.Entry).Where(entry => entry.Error is null))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!IsThere(entry, folder.Image(entry.Row), verify))
                    lost.Add(entry.Row);
                done(++count);
            }
        }

        if (lost.Count > 0)
            Journal.Forget(folder.Journal, entry => lost.Contains(entry.Row));
        return lost.Count;
    }

    private static bool IsThere(JournalEntry entry, string path, bool verify)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length == 0 || file.Length != (entry.Bytes ?? file.Length))
            return false;
        if (!verify || entry.Sha256 is null)
            return true;
        using var stream = RegularFile.Open(path, path, bufferSize: 1);
        return Convert.ToHexStringLower(SHA256.HashData(stream)) == entry.Sha256;
    }
}
