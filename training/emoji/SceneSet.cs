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

    /// <summary>Random scenes of a split. Row i depends on the seed and i alone, on any number of threads.</summary>
    public static void Write(EmojiArt art, string kind, int count, ulong seed, string folder, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var weights = new RowWeights(art.Rows);
        Write(folder, kind, count, i =>
        {
            // The golden ratio's steps keep neighbouring rows' seeds apart.
            var random = new TorchRandom(unchecked((uint)((seed * 0x9E3779B9) + ((ulong)i * 0x85EBCA6B) + 1)));
            return (Scene.Random(art, weights, random), random);
        }, progress, cancellationToken);
    }

    /// <summary>The held-out images that the base should be able to draw: fluent 3d of its subgroups, plain.</summary>
    public static void WriteHeldOut(EmojiArt art, string kind, string folder, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var rows = Enumerable.Range(0, art.Rows.Count).Where(i => art.Rows[i] is { Style: "fluent 3d emoji", IsOfTheBase: true }).ToArray();
        if (rows.Length == 0)
            throw new ControlNetException("No image of the split is a fluent 3d emoji of the base's subgroups.");
        Write(folder, kind, rows.Length, i => (Scene.Plain(art, rows[i]), new TorchRandom((ulong)i)), progress, cancellationToken);
    }

    private static void Write(
        string folder, string kind, int count, Func<int, (Scene Scene, TorchRandom Random)> make, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (Path.Exists(folder))
            throw new ControlNetException($"{folder}: is there already, expected the name of a new folder.");
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
                ImageCodec.SavePng(Path.Combine(part, "conditions", name), SceneConditions.Make(kind, scene, random));
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
