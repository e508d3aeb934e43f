using System.Security.Cryptography;
using System.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Digests of a run's weights, so that it is not resumed with other weights under the same names.</summary>
internal static class WeightDigest
{
    private static readonly string[] Parts = ["text_encoder", "text_encoder_2", "unet", "vae"];

    /// <summary>The digest of a model: SHA-256 over all its weight files.</summary>
    public static string OfModel(ModelFolder folder, CancellationToken cancellationToken) =>
        Of(folder.Index.Parts.Where(part => Parts.Contains(part)).SelectMany(folder.PartFiles).Distinct(), cancellationToken);

    /// <summary>The digest of a control network.</summary>
    public static string OfControl(string name, LoadOptions load, CancellationToken cancellationToken)
    {
        var path = ModelNames.FindControl(name, load, cancellationToken);
        return Of(ControlSource.Open(path, load).Files, cancellationToken);
    }

    /// <summary>The SHA-256 of one file, in hexadecimal; null if it is not known and must not be computed now.</summary>
    /// <param name="file">The file.</param>
    /// <param name="compute">Whether to read the file if its digest is not known yet.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static string? OfFile(string file, bool compute, CancellationToken cancellationToken)
    {
        var cache = DigestCache.OfUser;
        return compute ? cache.Of(file, cancellationToken) : cache.Known(file);
    }

    private static string Of(IEnumerable<string> files, CancellationToken cancellationToken)
    {
        var cache = DigestCache.OfUser;
        var digests = files.Select(file => cache.Of(file, cancellationToken));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', digests))));
    }
}
