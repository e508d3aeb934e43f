using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary>Writes scenes with their conditions as a data set in Hugging Face's image folder layout, and as a table for 'controlnet evaluate'.</summary>
internal static class SceneSet
{
    /// <summary>The table's file.</summary>
    public const string TableName = "table.jsonl";
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes random scenes of a split. Row i depends only on the seed and i, not on the number of threads.</summary>
    public static void Write(EmojiArt art, string condition, int count, ulong seed, string folder, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var weights = new RowWeights(art.Rows);
        Write(folder, condition, count, i =>
        {
            // Multiples of odd constants (of the golden ratio and of Murmur3) keep the seeds of neighbouring rows apart.
            var random = new TorchRandom(unchecked((uint)((seed * 0x9E3779B9) + ((ulong)i * 0x85EBCA6B) + 1)));
            return (Scene.Random(art, weights, random), random);
        }, progress, cancellationToken);
    }

    /// <summary>
    /// Writes the images of a split that the base model should be able to generate, fluent 3d of its subgroups, plain. Each is written
    /// 'repeats' times, one round after the other; conditions with chance differ from round to round.
    /// </summary>
    public static void WritePlain(EmojiArt art, string condition, int repeats, string folder, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var rows = art.BaseRows;
        Write(folder, condition, rows.Count * repeats, i => (Scene.Plain(art, rows[i % rows.Count]), new TorchRandom((ulong)i)), progress, cancellationToken);
    }

    private static void Write(
        string folder, string condition, int count, Func<int, (Scene Scene, TorchRandom Random)> make, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (Path.Exists(folder))
            throw new ControlNetException($"{folder}: exists, expected a new folder.");
        var part = folder.TrimEnd('/', '\\') + ".part";
        if (Directory.Exists(part))
            Directory.Delete(part, recursive: true);
        try
        {
            Directory.CreateDirectory(Path.Combine(part, "images"));
            Directory.CreateDirectory(Path.Combine(part, "conditions"));
            var lines = new (string Metadata, string Table)[count];
            var done = 0;
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, i =>
            {
                var (scene, random) = make(i);
                var name = FormattableString.Invariant($"{i:D6}.png");
                ImageCodec.SavePng(Path.Combine(part, "images", name), scene.Image);
                ImageCodec.SavePng(Path.Combine(part, "conditions", name), SceneConditions.Make(condition, scene, random));
                var (image, map) = ($"images/{name}", $"conditions/{name}");
                lines[i] = (
                    JsonSerializer.Serialize(new { file_name = image, conditioning_image = map, text = scene.Caption }, Options),
                    JsonSerializer.Serialize(new { id = Path.GetFileNameWithoutExtension(name), prompt = scene.Caption, condition = map, scene = image }, Options));
                progress?.Report(Interlocked.Increment(ref done));
            });
            File.WriteAllText(Path.Combine(part, "metadata.jsonl"), string.Concat(lines.Select(line => line.Metadata + "\n")), new UTF8Encoding(false));
            File.WriteAllText(Path.Combine(part, TableName), string.Concat(lines.Select(line => line.Table + "\n")), new UTF8Encoding(false));
            Directory.Move(part, folder);
        }
        catch
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
            throw;
        }
    }
}
