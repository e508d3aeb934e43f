using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// What the encoders made, on the disk, so that they run once: a file for each entry, named by its key, with a checksum; a damaged one is
/// made anew, and so is one that anyone else could have written. When the bound is reached, nothing more is kept.
/// </summary>
internal sealed class EncodingCache
{
    private const int HeaderLength = 8 + 32;
    private static readonly byte[] Magic = "CNE1"u8.ToArray();
    private readonly string _folder;
    private readonly long _mostBytes;
    private long _bytes;

    /// <param name="folder">Where; made if it is not there.</param>
    /// <param name="mostBytes">How large all files may grow together.</param>
    public EncodingCache(string folder, long mostBytes)
    {
        (_folder, _mostBytes) = (folder, mostBytes);
        Directory.CreateDirectory(folder);
        _bytes = new DirectoryInfo(folder).EnumerateFiles("*.bin", SearchOption.AllDirectories).Sum(file => file.Length);
    }

    /// <summary>Reads an entry.</summary>
    /// <param name="key">Its key, 32 bytes.</param>
    /// <param name="count">How many values it has to have.</param>
    /// <returns>Null if it is not there or not sound.</returns>
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

    /// <summary>Keeps an entry, if there is room for it; a cache that cannot be written to is as good as a full one.</summary>
    /// <param name="key">Its key, 32 bytes.</param>
    /// <param name="values">The values.</param>
    public void Write(ReadOnlySpan<byte> key, ReadOnlySpan<float> values)
    {
        var length = HeaderLength + (4L * values.Length);
        if (Volatile.Read(ref _bytes) + length > _mostBytes)
            return;
        var payload = MemoryMarshal.AsBytes(values);
        var path = PathOf(key);
        var (count, sum) = (BitConverter.GetBytes(values.Length), SHA256.HashData(payload));
        var content = (byte[])[.. Magic, .. count, .. sum, .. payload];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);

            // Not flushed to the disk: the checksum tells what a crash left half-written.
            AtomicFile.WriteCache(path, stream => stream.Write(content));
            Interlocked.Add(ref _bytes, length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is made again the next time.
        }
    }

    private string PathOf(ReadOnlySpan<byte> key)
    {
        var name = Convert.ToHexStringLower(key);
        return Path.Combine(_folder, name[..2], name + ".bin");
    }
}
