using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// A condition with its options, ready to be made of any number of images. Learned ones hold their network, so keep one for as long as
/// there are images. May be used by several threads at once.
/// </summary>
public interface IPreprocessor : IDisposable
{
    /// <summary>Makes the condition.</summary>
    /// <param name="image">The image.</param>
    /// <returns>A new image of the same size.</returns>
    ImageBuffer Apply(ImageBuffer image);
}
