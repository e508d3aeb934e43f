using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Finds the subject of an image on a plain background: the counterpart of masks, which no kind of condition makes.</summary>
internal sealed class SilhouetteAnnotator : IPreprocessor
{
    /// <summary>Its name beside those of the kinds of conditions.</summary>
    public const string Name = "silhouette";

    public ImageBuffer Apply(ImageBuffer image) => MaskOverlap.Silhouette(Color.Hwc3(image));

    public void Dispose()
    {
    }
}
