using System.Net;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Notebooks;

#pragma warning disable CA1822 // Notebooks find these members by reflection, on an instance.

/// <summary>
/// Displays images in .NET notebooks: the last value of a cell, and values passed to <c>display</c>. The notebook finds it by its members'
/// names.
/// </summary>
internal sealed class ImageFormatters
{
    private const string Html = "text/html";

    /// <summary>Called by the notebook.</summary>
    public IEnumerable<object> CreateTypeFormatters() => [new Formatter()];

    private sealed class Formatter
    {
        public string MimeType => Html;

        public bool Format(object instance, TextWriter writer)
        {
            var (image, title) = instance switch
            {
                ImageBuffer buffer => (buffer, buffer.ToString()),
                GeneratedImage made => (made.Image, string.Join(", ", made.Provenance.Select(p => $"{p.Key}: {p.Value}"))),
                _ => (null, ""),
            };
            if (image is null)
                return false;

            // Small images are enlarged without smoothing.
            writer.Write(
                $"<img src=\"data:image/png;base64,{Convert.ToBase64String(ImageCodec.EncodePng(image))}\" "
                    + $"width=\"{image.Width}\" height=\"{image.Height}\" "
                    + $"title=\"{WebUtility.HtmlEncode(title)}\" style=\"image-rendering: pixelated\"/>");
            return true;
        }
    }
}
