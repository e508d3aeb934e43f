using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Writes the rows of a view to a folder that training can read in any order; only one row at a time is in memory.</summary>
internal static class ViewRows
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes what is missing: images are named by their contents, so the same rows give the same folder.</summary>
    /// <param name="view">The rows.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Checked before each row.</param>
    /// <exception cref="ControlNetException">
    /// A row's image or condition is missing or cannot be read, or the two differ in size.
    /// </exception>
    public static void Write(IDataView view, TrainerColumns columns, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        Directory.CreateDirectory(Path.Combine(folder, "conditions"));
        var (image, condition, prompt) = (view.Schema[columns.Image], view.Schema[columns.Condition], view.Schema[columns.Prompt]);
        using var cursor = view.GetRowCursor([image, condition, prompt]);
        using var images = new ImageColumnBuffer(1);
        using var conditions = new ImageColumnBuffer(1);
        images.Attach(cursor, image);
        conditions.Attach(cursor, condition);
        var prompts = cursor.GetGetter<ReadOnlyMemory<char>>(prompt);
        AtomicFile.Write(Path.Combine(folder, "metadata.jsonl"), stream =>
        {
            while (cursor.MoveNext())
            {
                cancellationToken.ThrowIfCancellationRequested();
                var target = Read(images, columns.Image, cursor.Position);
                var map = Read(conditions, columns.Condition, cursor.Position);
                if (target.Width != map.Width || target.Height != map.Height)
                {
                    throw new ControlNetException(
                        $"Row {Number(cursor.Position)}: column {Message.Name(columns.Image)} is {target.Width}x{target.Height} and "
                            + $"column {Message.Name(columns.Condition)} {map.Width}x{map.Height}, expected the same size.");
                }

                ReadOnlyMemory<char> text = default;
                prompts(ref text);
                var (imageName, conditionName) = (Keep(target, folder, "images"), Keep(map, folder, "conditions"));
                var row = new { file_name = imageName, conditioning_image = conditionName, text = text.ToString() };
                var line = JsonSerializer.SerializeToUtf8Bytes(row, Options);
                stream.Write([.. line, (byte)'\n']);
            }
        });
    }

    /// <summary>Reads an image without taking ownership: the view may hold the program's own objects.</summary>
    private static ImageBuffer Read(ImageColumnBuffer slots, string column, long row)
    {
        slots.Fill(0);
        if (slots.Error(0) is { } error)
            throw new ControlNetException($"Row {Number(row)}: column {Message.Name(column)} cannot be read: {error.Message}", error);
        return slots.Items[0]?.ToImageBuffer()
            ?? throw new ControlNetException($"Row {Number(row)}: column {Message.Name(column)} has no image.");
    }

    private static string Keep(ImageBuffer target, string folder, string part)
    {
        var digest = SHA256.HashData([.. Encoding.ASCII.GetBytes(target.ToString()), .. target.Samples]);
        var name = $"{part}/{Convert.ToHexStringLower(digest)[..32]}.png";
        var path = Path.Combine(folder, name);
        if (!File.Exists(path))
            ImageCodec.SavePng(path, target);
        return name;
    }

    private static string Number(long row) => row.ToString("N0", CultureInfo.InvariantCulture);
}
