using System.Security.Cryptography;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>Images that the command line names, and what identifies their files.</summary>
internal static class SourceFile
{
    /// <summary>Reads an image. Transparent parts are white, as on paper: black would make edges of the shape's shadowless hole.</summary>
    /// <exception cref="ControlNetException">It cannot be read.</exception>
    public static ImageBuffer Image(string file) => Color.OverWhite(ImageCodec.Load(file));

    /// <summary>The file's SHA-256, as hexadecimal digits.</summary>
    public static string Hash(string file)
    {
        using var stream = RegularFile.Open(file, file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
