namespace ControlNet.ML.Imaging;

/// <summary>The formats that images are written in.</summary>
public enum ImageFormat
{
    /// <summary>PNG: lossless, with alpha and texts.</summary>
    Png,

    /// <summary>JPEG, quality 95: without alpha and texts.</summary>
    Jpeg,

    /// <summary>WebP, lossless: with alpha, without texts.</summary>
    WebP,
}
