using System.Security.Cryptography;

namespace ControlNet.ML.Torch.Native;

/// <summary>Where a user's own copy of a native library lies: by content hash, so that versions do not disturb each other.</summary>
internal static class NativeCache
{
    /// <summary>
    /// Puts a library into the first folder that can be written and returns its path. A file that is already there is used only
    /// if it is equal, byte for byte; two processes may do this at once, since the file appears by a rename.
    /// </summary>
    /// <param name="name">The file's name.</param>
    /// <param name="content">What it has to hold.</param>
    /// <param name="folders">Where to try, best first.</param>
    /// <exception cref="ControlNetException">None of the folders can be written; the message names them all.</exception>
    public static string Place(string name, byte[] content, IEnumerable<string> folders)
    {
        var failures = new List<string>();
        foreach (var folder in folders)
        {
            var path = Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(content))[..32], name);
            try
            {
                if (!Holds(path, content))
                    Write(path, content);
                return path;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failures.Add($"{folder} ({e.Message})");
            }
        }

        throw new ControlNetException(
            $"No folder can be written for an adapted copy of {name}, which this system needs: tried {string.Join("; ", failures)}. " +
            "Make one of them writable, or set XDG_CACHE_HOME to a folder that is.");
    }

    private static bool Holds(string path, byte[] content) =>
        File.Exists(path) && new FileInfo(path).Length == content.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);

    private static void Write(string path, byte[] content)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var temporary = Path.Combine(folder, $".{Path.GetRandomFileName()}");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
