namespace ControlNet.ML.Internal;

/// <summary>
/// Opens the files that a run holds open and adds to: its lock, its journal, its log. A run's folder may lie where others can write, so none of them
/// may be a link, which could be to any file of the user's.
/// </summary>
internal static class RunFile
{
    /// <summary>Opens a file without a buffer.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Open or make it, or add to it.</param>
    /// <param name="share">What others may do meanwhile.</param>
    /// <exception cref="ControlNetException">It is no file, or a link.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream Open(string path, FileMode mode, FileShare share)
    {
        Require(path, FileStatus.Of(path, followLinks: false));
        var stream = new FileStream(path, mode, mode == FileMode.Append ? FileAccess.Write : FileAccess.ReadWrite, share, bufferSize: 0);
        try
        {
            // Whoever puts a link there in between is found out before anything is written.
            var status = FileStatus.Of(path, followLinks: false);
            Require(path, status);
            if (status?.Identity != FileStatus.Of(stream.SafeFileHandle)?.Identity)
                throw new ControlNetException($"{path}: was exchanged while it was opened.");
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file so that nobody else can, until it is disposed of.</summary>
    /// <param name="file">The file, which is made if it is not there.</param>
    /// <param name="folder">The run's folder, for messages.</param>
    /// <param name="held">What to say where another process has it.</param>
    /// <exception cref="ControlNetException">Another process has it, or it cannot be written: on a file system for reading only, say.</exception>
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

    // A lock that another process has: EAGAIN of Linux and of macOS; the sharing and lock violations of Windows.
    private static bool IsHeld(IOException error) => OperatingSystem.IsWindows()
        ? (error.HResult & 0xFFFF) is 32 or 33
        : error.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);

    private static void Require(string path, FileStatus? status)
    {
        if (status is { Kind: not FileKind.Regular })
            throw new ControlNetException($"{path}: is {(status.Value.Kind == FileKind.Link ? "a link" : "no file")}, expected a file of the run's own.");
    }
}
