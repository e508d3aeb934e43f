using System.Globalization;
using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>A size on the command line: 512 or 640x480, width first.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal sealed record ImageSize(int Width, int Height)
{
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
    /// <param name="model">The model.</param>
    /// <exception cref="ControlNetException">It cannot; the message names sizes that it can.</exception>
    public void Check(ModelFolder model)
    {
        if ((ModelRequirements.OfSide(model, Width, "width") ?? ModelRequirements.OfSide(model, Height, "height")) is { } problem)
            throw new ControlNetException($"The size is {Width}x{Height}: {problem}");
    }
}
