using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// Disk cache of encoder outputs: a file per entry, named by its key, with a checksum. Entries that are damaged, or that another user could
/// have written, are ignored and encoded again. Once the cache is full, new entries are not stored.
/// </summary>
internal sealed class EncodingCache
{
    private const int HeaderLength = 8 + 32;
    private static readonly byte[] Magic = "CNE1"u8.ToArray();
    private readonly string _folder;
    private readonly long _maxBytes;
    private long _bytes;

    /// <param name="folder">The folder; created if missing.</param>
    /// <param name="maxBytes">Maximum total size of the files.</param>
    public EncodingCache(string folder, long maxBytes)
    {
        (_folder, _maxBytes) = (folder, maxBytes);
        Directory.CreateDirectory(folder);
        _bytes = new DirectoryInfo(folder).EnumerateFiles("*.bin", SearchOption.AllDirectories).Sum(file => file.Length);
    }

    /// <summary>Reads an entry.</summary>
    /// <param name="key">Its key, 32 bytes.</param>
    /// <param name="count">Expected number of values.</param>
    /// <returns>Null if the entry is missing or damaged.</returns>
    public float[]? Read(ReadOnlySpan<byte> key, int count)
    {
        var path = PathOf(key);
        try
        {
            var file = new FileInfo(path);
            if (!PrivateFolder.Owns(path, FileKind.Regular) || file.Length != HeaderLength + (4L * count))
                return null;
            var bytes = File.ReadAllBytes(path);
            var payload = bytes.AsSpan(HeaderLength);
            return bytes.AsSpan(0, 4).SequenceEqual(Magic) && SHA256.HashData(payload).AsSpan().SequenceEqual(bytes.AsSpan(8, 32))
                ? MemoryMarshal.Cast<byte, float>(payload).ToArray()
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Stores an entry if there is room for it. A cache that cannot be written counts as full.</summary>
    /// <param name="key">Its key, 32 bytes.</param>
    /// <param name="values">The values.</param>
    public void Write(ReadOnlySpan<byte> key, ReadOnlySpan<float> values)
    {
        var length = HeaderLength + (4L * values.Length);
        if (Volatile.Read(ref _bytes) + length > _maxBytes)
            return;
        var payload = MemoryMarshal.AsBytes(values);
        var path = PathOf(key);
        var (count, sum) = (BitConverter.GetBytes(values.Length), SHA256.HashData(payload));
        var content = (byte[])[.. Magic, .. count, .. sum, .. payload];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);

            // Not flushed to disk: the checksum detects what a crash left incomplete.
            AtomicFile.WriteCache(path, stream => stream.Write(content));
            Interlocked.Add(ref _bytes, length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It will be encoded again.
        }
    }

    private string PathOf(ReadOnlySpan<byte> key)
    {
        var name = Convert.ToHexStringLower(key);
        return Path.Combine(_folder, name[..2], name + ".bin");
    }
}
