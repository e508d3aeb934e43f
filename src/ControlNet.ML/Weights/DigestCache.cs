using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ControlNet.ML.Weights;

/// <summary>
/// SHA-256 of large files that rarely change. A digest is cached under the file's path, length and modification time, so that only the
/// first run with a file reads it. A cache that cannot be read or written costs only time.
/// </summary>
/// <param name="folders">Folders to keep digests in, best first.</param>
internal sealed class DigestCache(IEnumerable<string> folders)
{
    private const int BlockLength = 1 << 20;

    /// <summary>The user's cache.</summary>
    public static DigestCache OfUser => new(UserCache.Folders("digests"));

    private readonly string[] _folders = [.. folders];

    /// <summary>The digest of a file's content, in hexadecimal.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Stops the reading within a megabyte.</param>
    /// <exception cref="ControlNetException">The file cannot be read.</exception>
    public string Of(string file, CancellationToken cancellationToken)
    {
        try
        {
            var name = NameOf(file);
            if (Find(name) is { } known)
                return known;
            var digest = Hash(file, cancellationToken);

            // A file that changed while it was read is not cached.
            if (NameOf(file) == name)
                Keep(name, digest);
            return digest;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{file}: cannot be read: {error.Message}", error);
        }
    }

    /// <summary>The digest of a file that was read before and has not changed; null if there is none.</summary>
    /// <param name="file">The file.</param>
    public string? Known(string file)
    {
        try
        {
            return Find(NameOf(file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string? Find(string name) => _folders.Where(PrivateFolder.IsPrivate).Select(folder => Kept(Path.Combine(folder, name)))
        .FirstOrDefault(kept => kept is not null);

    private static string NameOf(string file)
    {
        var info = LinkedFile.Of(file);
        var identity = string.Create(CultureInfo.InvariantCulture, $"{info.FullName}\n{info.Length}\n{info.LastWriteTimeUtc.Ticks}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)));
    }

    private static string Hash(string file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stream = RegularFile.Open(file, file, bufferSize: 1);
        var block = new byte[BlockLength];
        int read;
        while ((read = stream.Read(block)) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(block, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The cached digest, or null if the file is missing or holds something else.</summary>
    private static string? Kept(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length != 2 * SHA256.HashSizeInBytes)
                return null;
            var text = File.ReadAllText(path);
            return text.All(char.IsAsciiHexDigitLower) ? text : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Keep(string name, string digest) => UserCache.Use(_folders, folder =>
    {
        AtomicFile.WriteCache(Path.Combine(folder, name), stream => stream.Write(Encoding.ASCII.GetBytes(digest)));
        return true;
    });
}
