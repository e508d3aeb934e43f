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
    /// <summary>Parses N or WIDTHxHEIGHT.</summary>
    /// <exception cref="UsageException">The text is neither.</exception>
    public static ImageSize Parse(string text)
    {
        var parts = text.Split('x', 'X');
        return parts.Length <= 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? new ImageSize(Side(parts[0]), Side(parts[^1]))
            : throw new UsageException($"--size '{text}' cannot be read, expected N or WIDTHxHEIGHT in pixels.");

        static int Side(string part) => int.Parse(part, CultureInfo.InvariantCulture);
    }

    /// <summary>Returns the size if it is within the limits for images that are read.</summary>
    /// <exception cref="ControlNetException">It is not.</exception>
    public ImageSize InMemory() =>
        Width is >= 1 and <= 65_535 && Height is >= 1 and <= 65_535 && (long)Width * Height <= new ImageLoadOptions().MaxPixels
            ? this
            : throw new ControlNetException(
                $"The size is {Width}x{Height}, expected at least 1x1 and at most {new ImageLoadOptions().MaxPixels:N0} pixels.");

    /// <summary>The requested size, or the model's own, checked against the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requested">The requested size, or null.</param>
    /// <exception cref="ControlNetException">The model cannot generate it; the message names sizes that it can.</exception>
    public static ImageSize For(ModelFolder model, ImageSize? requested)
    {
        var size = requested ?? new ImageSize(model.DefaultSize.Width, model.DefaultSize.Height);
        return (
            ModelRequirements.OfSide(model, size.Width, "width") ?? ModelRequirements.OfSide(model, size.Height, "height")) is { } problem
            ? throw new ControlNetException($"The size is {size.Width}x{size.Height}: {problem}")
            : size;
    }
}
