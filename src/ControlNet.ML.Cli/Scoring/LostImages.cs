using System.Security.Cryptography;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Rows whose image was written and is no longer what it was: deleted, cut short, emptied by a disk that was full or pulled out, or, where that is
/// asked for, changed inside.
/// </summary>
internal static class LostImages
{
    /// <summary>Takes rows whose image is lost out of the journal, so that they are made again.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="verify">Whether each file is read in whole and compared with its SHA-256; otherwise its length is.</param>
    /// <param name="done">Told how many images were looked at.</param>
    /// <param name="cancellationToken">Seen between images.</param>
    /// <returns>How many were lost.</returns>
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
