using System.Globalization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>A size on the command line: 512 or 640x480, width first.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal sealed record ImageSize(int Width, int Height)
{
    /// <summary>Longest side that the library takes.</summary>
    private const int LongestSide = 8192;

    /// <exception cref="UsageException">It is neither a number nor two.</exception>
    public static ImageSize Parse(string text)
    {
        var parts = text.Split('x', 'X');
        return parts.Length <= 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? new ImageSize(Side(parts[0]), Side(parts[^1]))
            : throw new UsageException($"--size '{text}' cannot be read, expected N or WIDTHxHEIGHT in pixels.");

        static int Side(string part) => int.Parse(part, CultureInfo.InvariantCulture);
    }

    /// <summary>The size, if an image of it may be drawn: as large as one that may be read.</summary>
    /// <exception cref="ControlNetException">It may not.</exception>
    public ImageSize InMemory() =>
        Width is >= 1 and <= 65_535 && Height is >= 1 and <= 65_535 && (long)Width * Height <= new ImageLoadOptions().MaxPixels
            ? this
            : throw new ControlNetException($"The size is {Width}x{Height}, expected at least 1x1 and at most {new ImageLoadOptions().MaxPixels:N0} pixels.");

    /// <summary>Checks that a model can make it.</summary>
    /// <param name="multiple">Scale factor of the model's autoencoder.</param>
    /// <exception cref="ControlNetException">It cannot; the message names sizes that it can.</exception>
    public void Check(int multiple)
    {
        foreach (var side in new[] { Width, Height })
        {
            if (side < multiple || side % multiple != 0)
                throw new ControlNetException($"The size is {Width}x{Height}, expected multiples of {multiple}, for instance {Math.Max(multiple, side / multiple * multiple)} or {((side / multiple) + 1) * multiple} for {side}.");
            if (side > LongestSide)
                throw new ControlNetException($"The size is {Width}x{Height}, expected at most {LongestSide:N0} a side.");
        }
    }
}
