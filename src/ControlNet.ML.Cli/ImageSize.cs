using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>The size of an image.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
internal sealed record ImageSize(int Width, int Height)
{
    /// <summary>Returns the size if it is within the limits for images that are read.</summary>
    /// <exception cref="UsageException">It is not.</exception>
    public ImageSize InMemory() =>
        Width is >= 1 and <= 65_535 && Height is >= 1 and <= 65_535 && (long)Width * Height <= new ImageLoadOptions().MaxPixels
            ? this
            : throw new UsageException(
                $"The size is {Width}x{Height}, expected at least 1x1 and at most {new ImageLoadOptions().MaxPixels:N0} pixels.");

    /// <summary>The requested size, each side by default the model's own, checked against the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requested">The requested size, or null.</param>
    /// <exception cref="UsageException">The model cannot generate it; the message names sizes that it can.</exception>
    public static ImageSize For(ModelFolder model, SizeRequest? requested)
    {
        var size = new ImageSize(requested?.Width ?? model.DefaultSize.Width, requested?.Height ?? model.DefaultSize.Height);
        return (
            ModelRequirements.OfSide(model, size.Width, "width") ?? ModelRequirements.OfSide(model, size.Height, "height")) is { } problem
            ? throw new UsageException($"The size is {size.Width}x{size.Height}: {problem}")
            : size;
    }
}
