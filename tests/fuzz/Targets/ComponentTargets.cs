using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using ControlNet.ML.Conditions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Saved ML.NET models with components of this library.</summary>
internal static class ComponentTargets
{
    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        var context = new MLContext(seed: 0);
        var model = Saved(context);
        yield return new Reader("model-zip", [model], input => Load(context, input)) { Refuses = IsRefused };

        // The settings within it, with their length and digest made right.
        var (name, settings) = Settings(model);
        yield return new Reader("model-settings", [settings], input => Load(context, With(model, name, input))) { IsJson = true, Refuses = IsRefused };
    }

    /// <summary>ML.NET reads the parts around ours, and what it says of ours before we see them; it throws what it likes. Out of ours come only our own.</summary>
    private static bool IsRefused(Exception error)
    {
        while (error is not ControlNetException && error.InnerException is { } inner)
            error = inner;
        var trace = error.StackTrace ?? "";
        return error is ControlNetException || trace.TrimStart().StartsWith("at Microsoft.ML.", StringComparison.Ordinal) || !trace.Contains("at ControlNet.ML.Components", StringComparison.Ordinal);
    }

    private static void Load(MLContext context, byte[] input)
    {
        using var stream = new MemoryStream(input);
        (context.Model.Load(stream, out _) as IDisposable)?.Dispose();
    }

    private static byte[] Saved(MLContext context)
    {
        var data = context.Data.LoadFromEnumerable<Row>([]);
        var fitted = context.Transforms.ControlNet().Canny("Edges", "Photo", new CannyOptions { Low = 50 }).Fit(data);
        using var stream = new MemoryStream();
        context.Model.Save(fitted, data.Schema, stream);
        return stream.ToArray();
    }

    private static (string Name, byte[] Content) Settings(byte[] model)
    {
        using var zip = new ZipArchive(new MemoryStream(model), ZipArchiveMode.Read);
        var entry = zip.Entries.First(entry => entry.FullName.EndsWith("Settings", StringComparison.Ordinal));
        using var content = new MemoryStream();
        using (var stream = entry.Open())
            stream.CopyTo(content);
        return (entry.FullName, content.ToArray()[sizeof(long)..^SHA256.HashSizeInBytes]);
    }

    private static byte[] With(byte[] model, string name, byte[] content)
    {
        using var file = new MemoryStream();
        file.Write(model);
        using (var zip = new ZipArchive(file, ZipArchiveMode.Update, leaveOpen: true))
        {
            zip.GetEntry(name)!.Delete();
            using var stream = zip.CreateEntry(name).Open();
            var length = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(length, content.Length);
            stream.Write([.. length, .. content, .. SHA256.HashData(content)]);
        }

        return file.ToArray();
    }

    private sealed class Row
    {
        [ImageType(8, 8)]
        public MLImage Photo { get; set; } = null!;

        /// <summary>ML.NET saves no schema of images alone.</summary>
        public float Number { get; set; }
    }
}
