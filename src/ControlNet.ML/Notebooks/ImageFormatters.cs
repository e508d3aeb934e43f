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
            switch (instance)
            {
                case ImageBuffer image:
                    Write(image, writer);
                    return true;
                case GeneratedImage generated:
                    Write(generated, writer);
                    return true;
                case LabeledImages images:
                    Write(images, writer);
                    return true;
                default:
                    return false;
            }
        }

        // Small images are enlarged without smoothing.
        private static void Write(ImageBuffer image, TextWriter writer) => writer.Write(
            $"<img src=\"data:image/png;base64,{Convert.ToBase64String(ImageCodec.EncodePng(image))}\" "
                + $"width=\"{image.Width}\" height=\"{image.Height}\" title=\"{image}\" style=\"image-rendering: pixelated\"/>");

        private static void Write(GeneratedImage generated, TextWriter writer)
        {
            Write(generated.Image, writer);
            writer.Write("<details><summary>Settings</summary><table>");
            foreach (var (key, value) in generated.Provenance)
                writer.Write($"<tr><th>{WebUtility.HtmlEncode(key)}</th><td>{WebUtility.HtmlEncode(value)}</td></tr>");
            writer.Write("</table></details>");
        }

        private static void Write(LabeledImages images, TextWriter writer)
        {
            writer.Write("<table>");
            foreach (var row in images.Images.Chunk(images.Columns))
            {
                writer.Write("<tr>");
                foreach (var (label, image) in row)
                {
                    writer.Write($"<td style=\"text-align: center\">{WebUtility.HtmlEncode(label)}<br/>");
                    Write(image, writer);
                    writer.Write("</td>");
                }

                writer.Write("</tr>");
            }

            writer.Write("</table>");
        }
    }
}
