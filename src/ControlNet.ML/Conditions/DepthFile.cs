using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Reads depths from a file: a NumPy array (<c>.npy</c>), a 16-bit PNG at its full depth, or the grey levels of any other image. Colors
/// are converted to grey, alpha is not applied.
/// </summary>
public static class DepthFile
{
    /// <summary>Reads a file; its contents decide, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The unscaled numbers. The file does not say their unit, nor whether near is large.</returns>
    /// <exception cref="ControlNetException">The file cannot be read, has another format, is damaged or too large.</exception>
    public static FloatMap Read(string path, ImageLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ImageLoadOptions();
        options.Check();
        var file = ImageCodec.ReadFile(path, options.MaxBytes);
        return file.AsSpan().StartsWith(NumpyMap.Signature)
            ? NumpyMap.Read(file, path, options.MaxPixels)
            : FloatMap.OfDeep(ImageCodec.Decode(file, path, options));
    }
}
