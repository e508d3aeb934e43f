using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ControlNet.ML.Hub;

/// <summary>Computes the name of a content as the hub does: SHA-256 for files in its large file storage, git's SHA-1 for others.</summary>
internal sealed class HubContentHash : IDisposable
{
    private readonly HubFile _file;
    private readonly IncrementalHash _hash;

    public HubContentHash(HubFile file)
    {
        _file = file;
        _hash = IncrementalHash.CreateHash(IsSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        Restart();
    }

    /// <summary>The algorithm, for messages.</summary>
    public string Algorithm => IsSha256 ? "SHA-256" : "git SHA-1";

    private bool IsSha256 => _file.ETag.Length == 2 * SHA256.HashSizeInBytes;

    /// <summary>Adds the next bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>Begins again.</summary>
    public void Restart()
    {
        _hash.TryGetHashAndReset(stackalloc byte[SHA256.HashSizeInBytes], out _);
        if (!IsSha256)
            Add(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {_file.Size}\0")));
    }

    /// <summary>The digest of all bytes, in hexadecimal.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
