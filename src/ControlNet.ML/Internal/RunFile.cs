namespace ControlNet.ML.Internal;

/// <summary>
/// Opens the files that a run keeps open and writes to: its lock, its journal, its log. Others may be able to write to a run's folder, so
/// none of these may be a link, which could point to any file of the user.
/// </summary>
internal static class RunFile
{
    /// <summary>Opens a file without a buffer.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Open or create it, or append to it.</param>
    /// <param name="share">What other processes may do with it.</param>
    /// <exception cref="ControlNetException">It is not a regular file, or is a link.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied.</exception>
    public static FileStream Open(string path, FileMode mode, FileShare share)
    {
        Require(path, FileStatus.Of(path, followLinks: false));
        var stream = new FileStream(path, mode, mode == FileMode.Append ? FileAccess.Write : FileAccess.ReadWrite, share, bufferSize: 0);
        try
        {
            // A link created in between is detected before anything is written.
            var status = FileStatus.Of(path, followLinks: false);
            Require(path, status);
            if (status?.Identity != FileStatus.Of(stream.SafeFileHandle)?.Identity)
                throw new ControlNetException($"{path}: was replaced while it was opened.");
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file exclusively, until it is disposed.</summary>
    /// <param name="file">The file, which is created if it does not exist.</param>
    /// <param name="folder">The run's folder, for messages.</param>
    /// <param name="held">The error message if another process has it.</param>
    /// <exception cref="ControlNetException">Another process has it, or it cannot be written, as on a read-only file system.</exception>
    public static FileStream Lock(string file, string folder, string held)
    {
        try
        {
            return Open(file, FileMode.OpenOrCreate, FileShare.None);
        }
        catch (IOException error) when (IsHeld(error))
        {
            throw new ControlNetException(held, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The folder '{folder}' cannot be written: {error.Message}", error);
        }
    }

    // Another process holds the lock: EAGAIN on Linux and on macOS; the sharing and lock violations on Windows.
    private static bool IsHeld(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) is 32 or 33
        : error.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);

    private static void Require(string path, FileStatus? status)
    {
        if (status is { Kind: not FileKind.Regular })
            throw new ControlNetException(
                $"{path}: is {(status.Value.Kind == FileKind.Link ? "a link" : "not a file")}, expected a regular file.");
    }
}
