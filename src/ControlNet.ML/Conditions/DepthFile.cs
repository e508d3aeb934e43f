using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Reads depths from a file: a NumPy array (<c>.npy</c>), a PNG of 16 bits with all of them, or any other image by its grey levels. Colors
/// count by their grey, alpha is not applied.
/// </summary>
public static class DepthFile
{
    /// <summary>Reads a file; its contents decide, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The numbers as they stand there. What is near, and in which unit, the file does not say.</returns>
    /// <exception cref="ControlNetException">The file cannot be read, is none of these, is damaged or too large.</exception>
    public static FloatMap Read(string path, ImageLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ImageLoadOptions();
        options.Validate();
        var file = ImageCodec.ReadFile(path, options.MaxBytes);
        return file.AsSpan().StartsWith(NumpyMap.Signature)
            ? NumpyMap.Read(file, path, options.MaxPixels)
            : FloatMap.OfDeep(ImageCodec.Decode(file, path, options));
    }
}
