namespace ControlNet.ML;

/// <summary>Writes files so that a reader, or a crash, never meets half of one.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes under the name with <c>.part</c> behind it, flushes to the disk, then renames over the target, and flushes the folder.
    /// If writing throws, the part is removed and the target is as it was.
    /// </summary>
    public static void Write(string path, Action<FileStream> write)
    {
        var part = path + ".part";
        try
        {
            using (var stream = new FileStream(part, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                try
                {
                    write(stream);
                    stream.Flush(flushToDisk: true);
                }
                catch
                {
                    stream.Dispose();
                    File.Delete(part);
                    throw;
                }
            }

            File.Move(part, path, overwrite: true);
            FolderSync.Flush(Path.GetDirectoryName(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{path}: cannot be written: {error.Message}", error);
        }
    }
}
