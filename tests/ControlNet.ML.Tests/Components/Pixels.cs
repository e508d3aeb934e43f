using System.Security.Cryptography;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

/// <summary>Images as texts that are equal when the images are.</summary>
internal static class Pixels
{
    public static string Text(MLImage? image) =>
        image is null ? "none" : $"{image.Width}x{image.Height} {image.PixelFormat} {Convert.ToHexString(SHA256.HashData(image.Pixels))[..16]}";

    public static string Text(ImageBuffer image)
    {
        using var mlImage = image.ToMLImage();
        return Text(mlImage);
    }
}
