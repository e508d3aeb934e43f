using System.Security.Cryptography;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>Input images, and the hashes of their files.</summary>
internal static class SourceFile
{
    /// <summary>
    /// Reads an image. Transparent parts become white, as on paper: on black, the outline of the cut-out would become an edge.
    /// </summary>
    /// <exception cref="ControlNetException">The file cannot be read.</exception>
    public static ImageBuffer Image(string file) => Color.OverWhite(ImageCodec.Load(file));

    /// <summary>The file's SHA-256, as hexadecimal digits.</summary>
    public static string Hash(string file)
    {
        using var stream = RegularFile.Open(file, file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
