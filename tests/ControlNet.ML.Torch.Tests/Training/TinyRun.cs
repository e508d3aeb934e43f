using System.Text.Json;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>A tiny model and a few images with conditions and prompts, for short runs.</summary>
public sealed class TinyRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TinyRun()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");
        Model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" });
        Data = WriteData("data", 20);
    }

    public DiffusionModel Model { get; }

    public string Data { get; }

    public TrainingTable Table => TrainingTable.Open(Data);

    public string File(params ReadOnlySpan<string> parts) => _folder.File(parts);

    /// <summary>Options of a run that takes a second.</summary>
    public TrainingOptions Options(string name) => new()
    {
        Folder = _folder.File(name),
        Steps = 6,
        BatchSize = 2,
        LearningRate = 1e-3,
        EmaDecay = 0.9,
        Width = 64,
        Height = 64,
        ConditioningEmbeddingOutChannels = [4, 4, 4, 4],
        ValidationRows = 2,
        ValidationSteps = 3,
        SampleEvery = 0,
        CheckpointingSteps = 2,
        TensorBoard = false,
        CacheFolder = _folder.File("cache"),
    };

    /// <summary>Images with squares, their outlines, and a word for each.</summary>
    public string WriteData(string name, int count)
    {
        Directory.CreateDirectory(_folder.File(name, "images"));
        Directory.CreateDirectory(_folder.File(name, "conditions"));
        List<string> lines = [];
        for (var i = 0; i < count; i++)
        {
            var (image, condition) = Images(i);
            ImageCodec.SavePng(_folder.File(name, "images", $"{i}.png"), image);
            ImageCodec.SavePng(_folder.File(name, "conditions", $"{i}.png"), condition);
            lines.Add(JsonSerializer.Serialize(new { file_name = $"images/{i}.png", conditioning_image = $"conditions/{i}.png", text = i % 2 == 0 ? "dark square" : "bright square" }));
        }

        System.IO.File.WriteAllLines(_folder.File(name, "metadata.jsonl"), lines);
        return _folder.File(name);
    }

    /// <summary>Makes all images of a folder unreadable, or restores them.</summary>
    public static void Break(string data, bool broken)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(data, "images"), "*.png"))
        {
            if (broken)
            {
                System.IO.File.Move(file, file + ".whole");
                System.IO.File.WriteAllText(file, "no image");
            }
            else
            {
                System.IO.File.Move(file + ".whole", file, overwrite: true);
            }
        }
    }

    /// <summary>A square on a background, and its mask.</summary>
    public static (ImageBuffer Image, ImageBuffer Condition) Images(int seed)
    {
        var (image, condition) = (new ImageBuffer(64, 64, 3), new ImageBuffer(64, 64, 1));
        var (left, top, size) = (4 + (seed * 7 % 30), 4 + (seed * 11 % 30), 10 + (seed % 20));
        for (var y = 0; y < 64; y++)
        {
            for (var x = 0; x < 64; x++)
            {
                var inside = x >= left && x < left + size && y >= top && y < top + size;
                condition.Samples[(y * 64) + x] = inside ? byte.MaxValue : (byte)0;
                image.Row(y).Slice(3 * x, 3).Fill((byte)(inside ? seed % 2 == 0 ? 30 : 220 : 128));
            }
        }

        return (image, condition);
    }

    public void Dispose()
    {
        Model.Dispose();
        _folder.Dispose();
    }
}
