using System.Security.Cryptography;
using System.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx;

/// <summary>The names of extractors: numbers of different ones must never be compared, so a name has the content's hash.</summary>
internal static class ExtractorName
{
    private const int Digits = 12;

    /// <summary>The file's name and the first digits of the SHA-256 of its content, with external weights.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <param name="cancellationToken">Stops the reading of the file.</param>
    /// <exception cref="ControlNetException">It cannot be read.</exception>
    public static string Of(string path, CancellationToken cancellationToken)
    {
        var digests = GraphFiles.Of(path).Select(file => DigestCache.OfUser.Of(file, cancellationToken)).ToList();
        var digest = digests is [var only]
            ? only
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', digests))));
        return $"{Path.GetFileName(path)} sha256:{digest[..Digits]}";
    }
}
