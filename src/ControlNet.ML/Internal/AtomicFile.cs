using System.Runtime.InteropServices;

namespace ControlNet.ML.Internal;

/// <summary>Writes files so that a reader, or a crash, never meets half of one, and never through a link that somebody has put in the way.</summary>
internal static partial class AtomicFile
{
    private const string Ending = ".part";
    private const int BufferLength = 1 << 16;

    /// <summary>
    /// Writes under the name with <c>.part</c> behind it, flushes to the disk, then renames over the target, and flushes the folder. What
    /// lies under the temporary name makes room if nobody is writing it: a leftover of a crash, or a link, of which the target stays as
    /// it is. If writing throws, the part is removed and the target is as it was.
    /// </summary>
    /// <param name="path">The file; if it is a link, the link is replaced.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static void Write(string path, Action<FileStream> write) => Write(path, write, overwrite: true);

    /// <summary>The same, unless the file is there: of several that write it at once, one does.</summary>
    /// <returns>Whether it was this one.</returns>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static bool WriteNew(string path, Action<FileStream> write) => Write(path, write, overwrite: false);

    /// <summary>The same for a cache: for the user alone, and not flushed, so that whoever reads it has to check its content.</summary>
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

    /// <summary>A new file under the temporary name; under another one if that is in use, or stays in the way.</summary>
    private static FileStream Begin(string path, bool isCache) =>
        TryNew(path + Ending, isCache) ?? (MakeRoom(path + Ending) ? TryNew(path + Ending, isCache) : null)
        ?? New($"{path}.{Path.GetRandomFileName()}{Ending}", isCache);

    /// <summary>Makes a file that is not there, not even as a link, and holds it.</summary>
    private static FileStream New(string part, bool isCache)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = BufferLength };
        if (isCache && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(part, options);
    }

    /// <summary>The same; null if something is there, or somebody took the file for a leftover before it was held.</summary>
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
    /// Removes what lies under a temporary name: anything but a file at once; a file if nobody holds it, and while it is held here, so
    /// that of several who find it one removes it, and none removes what another has made since.
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

    /// <summary>Renames, holding the file where the system allows it, so that nobody takes it for a leftover before it has its name.</summary>
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

    /// <summary>By a second name, since .NET looks whether there is a file and then replaces it all the same; some drives have no second names.</summary>
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
            // It stays as a leftover; what went wrong before is what the user has to know.
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddName(string file, string name);
}
