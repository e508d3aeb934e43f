using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary>Writes scenes with their conditions as a data set in Hugging Face's image folder layout.</summary>
internal static class SceneSet
{
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

    /// <summary>Writes the held-out images that the base model should be able to generate: fluent 3d of its subgroups, plain.</summary>
    public static void WriteHeldOut(EmojiArt art, string condition, string folder, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var rows = Enumerable.Range(0, art.Rows.Count).Where(i => art.Rows[i] is { Style: "fluent 3d emoji", IsBaseSubgroup: true }).ToArray();
        if (rows.Length == 0)
            throw new ControlNetException("The split has no fluent 3d emoji of the base model's subgroups.");
        Write(folder, condition, rows.Length, i => (Scene.Plain(art, rows[i]), new TorchRandom((ulong)i)), progress, cancellationToken);
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
            var lines = new string[count];
            var done = 0;
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, i =>
            {
                var (scene, random) = make(i);
                var name = FormattableString.Invariant($"{i:D6}.png");
                ImageCodec.SavePng(Path.Combine(part, "images", name), scene.Image);
                ImageCodec.SavePng(Path.Combine(part, "conditions", name), SceneConditions.Make(condition, scene, random));
                lines[i] = JsonSerializer.Serialize(new { file_name = $"images/{name}", conditioning_image = $"conditions/{name}", text = scene.Caption }, Options);
                progress?.Report(Interlocked.Increment(ref done));
            });
            File.WriteAllText(Path.Combine(part, "metadata.jsonl"), string.Join('\n', lines) + "\n", new UTF8Encoding(false));
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
