namespace ControlNet.ML;

/// <summary>What became of one of several images that were made together: the image, or why there is none.</summary>
/// <param name="Image">The image, or null.</param>
/// <param name="Failure">Why there is none, or null.</param>
internal sealed record GenerateResult(GeneratedImage? Image, Exception? Failure)
{
    /// <summary>
    /// Whether an error is about what was asked for, so that other images can still be made. What is wrong with a disk or a device is not, nor
    /// is a cancellation.
    /// </summary>
    public static bool IsOwn(Exception error) =>
        error is ArgumentException || (error is ControlNetException && error.InnerException is not (IOException or UnauthorizedAccessException));
}
