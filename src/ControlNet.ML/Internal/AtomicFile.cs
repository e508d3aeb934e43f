using System.Runtime.InteropServices;

namespace ControlNet.ML.Internal;

/// <summary>
/// Writes files atomically: neither a reader nor a crash ever leaves half a file, and no link planted by others is followed.
/// </summary>
internal static partial class AtomicFile
{
    private const string Ending = ".part";
    private const int BufferLength = 1 << 16;

    /// <summary>
    /// Writes to a temporary name, the path with <c>.part</c> appended, flushes to the disk, renames it over the target and flushes the
    /// folder. A leftover of a crash under the temporary name is replaced, as is a link, whose target is not touched. If writing throws,
    /// the temporary file is removed and the target is unchanged.
    /// </summary>
    /// <param name="path">The file; if it is a link, the link is replaced.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static void Write(string path, Action<FileStream> write) => Write(path, write, overwrite: true);

    /// <summary>Writes a file unless it already exists: of several concurrent writers, exactly one succeeds.</summary>
    /// <returns>Whether this call wrote it.</returns>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static bool WriteNew(string path, Action<FileStream> write) => Write(path, write, overwrite: false);

    /// <summary>Writes a file of a cache: for the user alone, and not flushed, so readers must check its content.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void WriteCache(string path, Action<FileStream> write) => Write(path, write, overwrite: true, isCache: true);

    private static bool Write(string path, Action<FileStream> write, bool overwrite)
    {
        try
        {
            var isWritten = Write(path, write, overwrite, isCache: false);
            FolderSync.Flush(Path.GetDirectoryName(path));
            return isWritten;
        }
        catch (DirectoryNotFoundException error)
        {
            throw new ControlNetException($"{path}: cannot be written: its folder does not exist.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{path}: cannot be written: {error.Message}", error);
        }
    }

    private static bool Write(string path, Action<FileStream> write, bool overwrite, bool isCache)
    {
        using var stream = Begin(path, isCache);
        var isMoved = false;
        try
        {
            write(stream);
            stream.Flush(flushToDisk: !isCache);
            return isMoved = Move(stream, path, overwrite);
        }
        finally
        {
            if (!isMoved)
                Remove(stream);
        }
    }

    /// <summary>A new file under the temporary name, or under a random one if that is in use or cannot be removed.</summary>
    private static FileStream Begin(string path, bool isCache) =>
        TryNew(path + Ending, isCache) ?? (MakeRoom(path + Ending) ? TryNew(path + Ending, isCache) : null)
        ?? New($"{path}.{Path.GetRandomFileName()}{Ending}", isCache);

    /// <summary>Creates a file under a name that must not exist, not even as a link, and locks it.</summary>
    private static FileStream New(string part, bool isCache)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = BufferLength,
        };
        if (isCache && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(part, options);
    }

    /// <summary>Creates a file; null if the name exists, or another process removed the file as a leftover before it was locked.</summary>
    private static FileStream? TryNew(string part, bool isCache)
    {
        try
        {
            var stream = New(part, isCache);
            if (FileStatus.Of(stream.SafeFileHandle)?.Identity == FileStatus.Of(part, followLinks: false)?.Identity)
                return stream;
            stream.Dispose();
            return null;
        }
        catch (IOException error) when (error is not DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// Removes whatever has the temporary name: anything except a regular file at once; a regular file only if no process holds it, and
    /// while it is locked here, so that of several processes only one removes it, and none removes a file created since.
    /// </summary>
    private static bool MakeRoom(string part)
    {
        try
        {
            if (FileStatus.Of(part, followLinks: false) is { Kind: not FileKind.Regular })
            {
                File.Delete(part);
                return true;
            }

            var options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None;
            using var left = new FileStream(part, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, options);
            if (FileStatus.Of(left.SafeFileHandle)?.Identity != FileStatus.Of(part, followLinks: false)?.Identity)
                return false;
            if (!OperatingSystem.IsWindows())
                File.Delete(part);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// Renames the file, holding its lock if the system allows it, so that no process takes it for a leftover before it has its name.
    /// </summary>
    private static bool Move(FileStream stream, string path, bool overwrite)
    {
        if (OperatingSystem.IsWindows())
            stream.Dispose();
        if (overwrite)
            File.Move(stream.Name, path, overwrite: true);
        else if (!MoveNew(stream.Name, path))
            return false;
        stream.Dispose();
        return true;
    }

    /// <summary>
    /// Uses a hard link, since .NET's move checks and then overwrites; falls back to it on file systems without hard links.
    /// </summary>
    private static bool MoveNew(string part, string path)
    {
        try
        {
            if (OperatingSystem.IsWindows() || AddName(part, path) != 0)
                File.Move(part, path, overwrite: false);
            else
                File.Delete(part);
            return true;
        }
        catch (IOException) when (Path.Exists(path))
        {
            return false;
        }
    }

    private static void Remove(FileStream stream)
    {
        if (OperatingSystem.IsWindows())
            stream.Dispose();
        try
        {
            File.Delete(stream.Name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The leftover is removed later; the earlier error is the one that matters to the user.
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddName(string file, string name);
}
