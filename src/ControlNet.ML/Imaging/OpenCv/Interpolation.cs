namespace ControlNet.ML.Imaging;

/// <summary>The interpolation of <see cref="Resize"/>, by OpenCV's names.</summary>
public enum Interpolation
{
    /// <summary>The pixel that contains the top left corner of the new one (cv2.INTER_NEAREST).</summary>
    Nearest,

    /// <summary>Two by two pixels (cv2.INTER_LINEAR). Downsampling with it aliases.</summary>
    Linear,

    /// <summary>
    /// The mean of the covered area when both sides shrink, otherwise a variant of <see cref="Linear"/> (cv2.INTER_AREA).
    /// </summary>
    Area,

    /// <summary>Four by four pixels, a = -0.75 (cv2.INTER_CUBIC).</summary>
    Cubic,

    /// <summary>Eight by eight pixels (cv2.INTER_LANCZOS4).</summary>
    Lanczos4,
}
