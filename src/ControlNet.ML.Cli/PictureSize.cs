using System.Globalization;

namespace ControlNet.ML.Cli;

/// <summary>A size on the command line: 512 or 640x480, width first.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal sealed record PictureSize(int Width, int Height)
{
    /// <exception cref="UsageException">It is neither a number nor two.</exception>
    public static PictureSize Parse(string text)
    {
        var parts = text.Split('x', 'X');
        return parts.Length <= 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? new PictureSize(Side(parts[0]), Side(parts[^1]))
            : throw new UsageException($"--size '{text}' cannot be read, expected N or WIDTHxHEIGHT in pixels.");

        static int Side(string part) => int.Parse(part, CultureInfo.InvariantCulture);
    }
}
