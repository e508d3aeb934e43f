using System.IO.Compression;
using System.Runtime.Versioning;
using ControlNet.ML.Components;
using ControlNet.ML.Emoji;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Saved models that hold their weights.</summary>
public sealed class WeightsInsideTests : IClassFixture<ImageRows>, IDisposable
{
    private const string CacheVariable = "CONTROLNET_CACHE";
    private readonly ImageRows _rows;
    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();

    public WeightsInsideTests(ImageRows rows)
    {
        _rows = rows;
        Environment.SetEnvironmentVariable(CacheVariable, _folder.File("cache"));
    }

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private IDataView Data => _ml.Data.LoadFromEnumerable(ImageRows.Rows(0, 1));

    private string Zip => _folder.File("model.zip");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(CacheVariable, null);
        _folder.Dispose();
    }

    [Fact]
    public void Another_process_needs_the_zip_alone()
    {
        // The originals are gone before it is loaded.
        var mine = _folder.Copy(EmojiModel.Folder, "mine");
        using (var model = DiffusionModel.Load(mine, new LoadOptions { Device = "cpu" }))
        using (var canny = ControlNetwork.Load(Path.Combine(mine, "controlnet", "canny"), new LoadOptions { Device = "cpu" }))
            _ml.Model.Save(Chain(model, canny).Fit(Data), Data.Schema, Zip);
        Directory.Delete(mine, recursive: true);

        var expected = new[] { 0, 1 }.Select(id => (id, Cells.Of(_rows.Expected(id, ownSettings: false)))).ToList();
        Cells.Equal(expected, LoadProcess.Run(_folder.Path, 2), 1);

        // A second time nothing is written; what was damaged meanwhile is written anew.
        var files = Cached();
        Assert.NotEmpty(files);
        var before = files.ToDictionary(file => file, File.GetLastWriteTimeUtc);
        Cells.Equal(expected, LoadProcess.Run(_folder.Path, 2), 1);
        Assert.All(Cached(), file => Assert.Equal(before[file], File.GetLastWriteTimeUtc(file)));
        var largest = files.MaxBy(file => new FileInfo(file).Length)!;
        using (var stream = File.OpenWrite(largest))
        {
            stream.Seek(-1, SeekOrigin.End);
            stream.WriteByte(0x55);
        }

        Cells.Equal(expected, LoadProcess.Run(_folder.Path, 2), 1);
    }

    [Fact]
    public void A_loaded_model_saves_itself_as_it_was_even_when_the_cache_is_gone()
    {
        _ml.Model.Save(Chain(_rows.Model, _rows.Canny).Fit(Data), Data.Schema, Zip);
        var before = Entries(Zip);
        var loaded = Load();
        Same(loaded);
        Directory.Delete(_folder.File("cache"), recursive: true);
        Same(loaded);
        ((IDisposable)loaded).Dispose();

        // It is made again when the model is loaded again, and what that saves is the same, too.
        loaded = Load();
        Assert.NotEmpty(Cached());
        Same(loaded);
        ((IDisposable)loaded).Dispose();

        void Same(ITransformer model)
        {
            _ml.Model.Save(model, Data.Schema, _folder.File("again.zip"));
            Assert.Equal(before, Entries(_folder.File("again.zip")));
        }
    }

    [Fact, UnsupportedOSPlatform("windows")]
    public void What_others_could_have_written_in_the_cache_is_written_anew()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no modes.");
        Save(Stages.DecodeImage("Image", "Latents", _rows.Model, new() { Weights = WeightStorage.Inside }));
        ((IDisposable)Load()).Dispose();
        var file = Cached().First(file => file.EndsWith(".safetensors", StringComparison.Ordinal));
        var (before, content) = (File.GetUnixFileMode(file), File.ReadAllBytes(file));
        File.SetUnixFileMode(file, before | UnixFileMode.OtherWrite);
        ((IDisposable)Load()).Dispose();
        Assert.Equal(before, File.GetUnixFileMode(file));

        // Nor is a link followed, wherever it leads.
        File.Move(file, _folder.File("elsewhere"));
        File.CreateSymbolicLink(file, _folder.File("elsewhere"));
        ((IDisposable)Load()).Dispose();
        Assert.Null(new FileInfo(file).LinkTarget);
        Assert.Equal(content, File.ReadAllBytes(file));
    }

    [Fact]
    public void What_a_killed_process_left_half_written_is_removed()
    {
        Save(Stages.DecodeImage("Image", "Latents", _rows.Model, new() { Weights = WeightStorage.Inside }));
        Directory.CreateDirectory(_folder.File("cache", "models", "half.part", "vae"));
        File.WriteAllText(_folder.File("cache", "models", "half.part", "vae", "config.json"), "{");
        File.WriteAllText(_folder.File("cache", "models", "half.part.lock"), "");
        foreach (var folder in new[] { _folder.File("cache"), _folder.File("cache", "models") })
            OnlyMine(folder);
        ((IDisposable)Load()).Dispose();
        Assert.Single(Directory.GetFileSystemEntries(_folder.File("cache", "models")));

        static void OnlyMine(string path)
        {
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Theory, InlineData(WeightStorage.Inside), InlineData(WeightStorage.Reference)]
    public void Columns_say_the_same_of_a_model_wherever_it_lies(WeightStorage weights)
    {
        var mine = _folder.Copy(EmojiModel.Folder, "before/mine");
        using var model = DiffusionModel.Load(Path.Combine(mine, "."), new LoadOptions { Device = "cpu" });
        using var canny = ControlNetwork.Load(Path.Combine(mine, "controlnet", "canny") + "/", new LoadOptions { Device = "cpu" });
        var chain = Stages.EncodeCondition("Hint", "Edges", canny, 64, 64, new() { Weights = weights })
            .Append(Stages.EncodeText("Text", "Prompt", model, new() { Weights = weights }))
            .Append(Stages.EncodeImage("Latents", "Edges", model, new() { Width = 64, Height = 64, Weights = weights }))
            .Append(Stages.DecodeImage("Image", "Latents", model, new() { Weights = weights }));
        var fitted = chain.Fit(Data);
        var before = Schemas.Lines(fitted.GetOutputSchema(Data.Schema));
        Assert.Contains(before, line => line.StartsWith("Latents: Vector<Single, 8, 8, 8> {Content: String = latents of mine;", StringComparison.Ordinal));
        Assert.Contains(before, line => line.StartsWith("Image: Image<64, 64>", StringComparison.Ordinal));
        _ml.Model.Save(fitted, Data.Schema, Zip);

        // Saved by what was loaded, once more.
        for (var i = 0; i < 2; i++)
        {
            var loaded = Load();
            Assert.Equal(before, Schemas.Lines(loaded.GetOutputSchema(Data.Schema)));
            _ml.Model.Save(loaded, Data.Schema, Zip);
            ((IDisposable)loaded).Dispose();
        }
    }

    [Fact]
    public void Every_stage_holds_its_own_part_only()
    {
        var inside = WeightStorage.Inside;
        var whole = Files("unet") + Files("vae") + Files("text_encoder") + Files("controlnet", "canny");
        Holds(Files("text_encoder"), Stages.EncodeText("Text", "Prompt", _rows.Model, new() { Weights = inside }));
        Holds(Files("vae"), Stages.EncodeImage("Latents", "Edges", _rows.Model, new() { Weights = inside }));
        Holds(Files("unet") + Files("controlnet", "canny"), Denoise(_rows.Model, _rows.Canny));
        Holds(whole, Stages.Generate("Image", "Prompt", _rows.Model, _rows.PlainControl, ImageRows.Plain with { Weights = inside }));

        // The condition encoder is a small part of the control network, here in float32.
        Save(Stages.EncodeCondition("Hint", "Edges", _rows.Canny, 64, 64, new() { Weights = inside }));
        Assert.InRange(Weights(), 1, Files("controlnet", "canny") / 4);

        void Holds(long weights, IEstimator<ITransformer> stage)
        {
            Save(stage);
            Assert.InRange(Weights(), weights, weights + (2 << 20));
        }

        long Weights() => Entries(Zip).Values.Sum(entry => entry.Length);

        static long Files(params string[] part) =>
            new DirectoryInfo(Path.Combine([EmojiModel.Folder, .. part])).EnumerateFiles("*.safetensors").Sum(file => file.Length);
    }

    [Fact]
    public void Damage_anywhere_is_an_error()
    {
        Save(Stages.EncodeText("Text", "Prompt", _rows.Model, new() { Weights = WeightStorage.Inside }));
        var names = Entries(Zip).Keys.Where(name => char.IsAsciiDigit(name[^1]) && name.Contains("Model.", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(names);
        foreach (var name in names)
        {
            foreach (var damage in new Func<byte[], byte[]?>[] { bytes => null, bytes => bytes[..^1], Flipped })
            {
                var copy = _folder.File("damaged.zip");
                File.Copy(Zip, copy, overwrite: true);
                Change(copy, name, damage);
                Exception? error = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(copy, out _));
                while (error is not null and not ControlNetException)
                    error = error.InnerException;
                Assert.Contains("The model's", error?.Message, StringComparison.Ordinal);
            }
        }

        Assert.DoesNotContain(Directory.EnumerateDirectories(_folder.File("cache", "models")), folder => folder.EndsWith(".part", StringComparison.Ordinal));

        static byte[] Flipped(byte[] bytes)
        {
            bytes[bytes.Length / 2] ^= 1;
            return bytes;
        }
    }

    [Theory, InlineData(0.999), InlineData(0.6), InlineData(0.01)]
    public void A_zip_that_was_cut_short_is_an_error_and_leaves_nothing(double share)
    {
        Save(Stages.DecodeImage("Image", "Latents", _rows.Model, new() { Weights = WeightStorage.Inside }));
        var bytes = File.ReadAllBytes(Zip);
        File.WriteAllBytes(Zip, bytes[..(int)(share * bytes.Length)]);
        Assert.ThrowsAny<Exception>(Load);
        Assert.False(Directory.Exists(_folder.File("cache", "models")) && Directory.EnumerateFileSystemEntries(_folder.File("cache", "models")).Any());
    }

    [Fact]
    public void A_part_that_was_not_loaded_is_missed_by_name()
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu", Parts = ModelParts.TextEncoder });
        Assert.Equal(3, model.EncodeText("fox").Hidden.Shape.Length);
        var error = Assert.Throws<InvalidOperationException>(() => model.Decode(TensorData.Zeros(1, 8, 8, 8)));
        Assert.Contains("without its AutoencoderKL", error.Message, StringComparison.Ordinal);

        using var encoder = ControlNetwork.Load("emoji/canny", new LoadOptions { Device = "cpu", ConditionEncoderOnly = true });
        var edges = ImageRows.Rows(0)[0].Edges!.ToImageBuffer();
        Assert.Equal(_rows.Canny.Encode(edges).Values, encoder.Encode(edges).Values);
    }

    private EstimatorChain<DecodeImageTransformer> Chain(DiffusionModel model, ControlNetwork canny) =>
        Stages.EncodeCondition("Hint", "Edges", canny, 64, 64, new() { Weights = WeightStorage.Inside })
            .Append(Stages.EncodeText("Text", "Prompt", model, new() { NegativePrompt = "fox", Weights = WeightStorage.Inside }))
            .Append(Denoise(model, canny))
            .Append(Stages.DecodeImage("Image", "Latents", model, new() { Weights = WeightStorage.Inside }));

    private DenoiseEstimator Denoise(DiffusionModel model, ControlNetwork canny) => Stages.Denoise(
        "Latents", "Text", model, [new("Hint", canny)],
        new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed", Weights = WeightStorage.Inside });

    private void Save(IEstimator<ITransformer> stage)
    {
        // What comes before it in the chain is not saved with it, but has to be there for its schema.
        var data = stage switch
        {
            DenoiseEstimator => Stages.EncodeCondition("Hint", "Edges", _rows.Canny, 64, 64).Append(Stages.EncodeText("Text", "Prompt", _rows.Model)).Fit(Data).Transform(Data),
            DecodeImageEstimator => Stages.EncodeImage("Latents", "Edges", _rows.Model, new() { Width = 64, Height = 64 }).Fit(Data).Transform(Data),
            _ => Data,
        };
        _ml.Model.Save(stage.Fit(data), data.Schema, Zip);
    }

    private ITransformer Load() => new MLContext().Model.Load(Zip, out _);

    private List<string> Cached() => [.. Directory.EnumerateFiles(_folder.File("cache", "models"), "*", SearchOption.AllDirectories)];

    private static Dictionary<string, (long Length, uint Crc)> Entries(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        return zip.Entries.ToDictionary(entry => entry.FullName, entry => (entry.Length, entry.Crc32));
    }

    private static void Change(string path, string name, Func<byte[], byte[]?> change)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Update);
        var entry = zip.GetEntry(name)!;
        byte[] bytes;
        using (var stream = entry.Open())
        {
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            bytes = copy.ToArray();
        }

        entry.Delete();
        if (change(bytes) is not { } changed)
            return;
        using var target = zip.CreateEntry(name).Open();
        target.Write(changed);
    }
}
