using System.IO.Compression;
using System.Text;
using System.Text.Json;
using SkiaSharp;

namespace ControlNet.ML.EmojiTraining.Tests;

/// <summary>A stand-in for emoji-128.zip with art that the tests draw.</summary>
internal static class DrawnArt
{
    /// <summary>Writes the file; both splits have the same art.</summary>
    public static void Write(string path, params Drawing[] drawings)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var split in new[] { "train", "eval" })
        {
            var lines = new StringBuilder();
            foreach (var (i, drawing) in drawings.Index())
            {
                var file = $"{i}.webp";
                using var entry = zip.CreateEntry($"{split}/{file}").Open();
                entry.Write(Draw(drawing));
                lines.Append(JsonSerializer.Serialize(new
                {
                    file_name = file,
                    name = drawing.Name,
                    style = drawing.Style,
                    keywords = new[] { "one", "two" },
                    subgroup = drawing.Subgroup,
                })).Append('\n');
            }

            using var metadata = zip.CreateEntry($"{split}/metadata.jsonl").Open();
            metadata.Write(Encoding.UTF8.GetBytes(lines.ToString()));
        }
    }

    private static byte[] Draw(Drawing drawing)
    {
        using var bitmap = new SKBitmap(128, 128, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        for (var y = 0; y < 128; y++)
        {
            for (var x = 0; x < 128; x++)
            {
                var inside = drawing.Name == "disc" ? ((x - 64) * (x - 64)) + ((y - 64) * (y - 64)) < 2500 : Math.Abs(x - 64) < 40 && Math.Abs(y - 64) < 40;
                bitmap.SetPixel(x, y, inside ? drawing.Color : SKColors.Transparent);
            }
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>A disc, or a square of any other name.</summary>
    internal sealed record Drawing(string Name, SKColor Color, string Style, string Subgroup);
}
