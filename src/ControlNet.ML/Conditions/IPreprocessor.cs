using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Makes a kind of condition with its options from any number of images. Learned ones hold their network, so keep one for as long as
/// there are images. Thread-safe.
/// </summary>
public interface IPreprocessor : IDisposable
{
    /// <summary>Makes the condition.</summary>
    /// <param name="image">The image.</param>
    /// <returns>A new image of the same size.</returns>
    ImageBuffer Apply(ImageBuffer image);
}
