using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlNet.ML.Components;
using ControlNet.ML.Emoji;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Saved models that somebody has prepared: what they name is not followed, and the one error names the entry.</summary>
public sealed class StrangersModelTests : IClassFixture<ImageRows>, IDisposable
{
    private const string CacheVariable = "CONTROLNET_CACHE";
    private readonly ImageRows _rows;
    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();

    public StrangersModelTests(ImageRows rows)
    {
        _rows = rows;
        Environment.SetEnvironmentVariable(CacheVariable, _folder.File("cache"));
    }

    private string Zip => _folder.File("model.zip");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(CacheVariable, null);
        _folder.Dispose();
    }

    [Theory]
    [InlineData("../../../../../../../../etc/passwd")]
    [InlineData("../secret.json")]
    [InlineData("unet/../../secret.json")]
    [InlineData("/etc/secret.json")]
    [InlineData("C:\\secret.json")]
    [InlineData("unet\\..\\..\\secret.json")]
    [InlineData("./config.json")]
    [InlineData("unet//config.json")]
    [InlineData("id_rsa")]
    [InlineData(".netrc.json")]
    [InlineData("unet/nul.json")]
    [InlineData("con\u0000fig.json")]
    [InlineData("")]
    public void A_file_outside_or_of_no_model_is_not_looked_at(string name)
    {
        _folder.Write("secret.json", [1]);
        foreach (var storage in new[] { WeightStorage.Reference, WeightStorage.Inside })
        {
            Save(storage);
            Change(settings => Files(settings)[0]!["name"] = name);
            Assert.Contains("expected names below their folder that end in .safetensors, .ckpt, .pth, .pt, .bin, .onnx, .onnx_data, .data, .pb, .json or .txt", Refusal(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_null_or_wrong_is_named_with_its_entry()
    {
        Reference(settings => Files(settings)[0] = null, "A list contains null");
        Reference(settings => Files(settings)[0]!["name"] = null, "cannot be read");
        Reference(settings => Files(settings)[0]!["sha256"] = "0123", "expected 64 hexadecimal digits");
        Reference(settings => Files(settings)[1]!["name"] = "GENERATION_config.json", "twice");
        Reference(settings => Files(settings)[1]!["name"] = "generation_config.json/config.json", "or also as a folder");
        Reference(settings => settings["model"]!["files"] = new JsonArray(), "expected 1 to 1,000");
        Reference(settings => settings["model"] = null, "cannot be read");
        Reference(settings => settings["model"]!["name"] = "", "expected a name or path");
        Reference(settings => settings["model"]!["name"] = "/dev/zero", "is a file, expected a folder");
        Reference(settings => settings["model"]!["name"] = "a\0b", "expected a name or path");
        Reference(settings => settings["model"]!["device"] = "toaster", "toaster");
        Inside(settings => Files(settings)[0] = null, "A list contains null");
        Inside(settings => Files(settings)[0]!["length"] = -1, "expected at most");
        Inside(settings => Files(settings)[0]!["length"] = long.MaxValue, "expected at most");
        Inside(settings => Files(settings)[0]!["length"] = 1L << 40, "bytes are free");
        Inside(settings => Files(settings)[0]!["length"] = 1, "is damaged: it has");
        Inside(settings => Files(settings)[0]!["pieces"] = int.MaxValue, "at least one in each entry");
        Inside(settings => Files(settings)[0]!["entry"] = "../Model.0", "expected letters, digits and dots");
        Inside(settings => Files(settings)[0]!["entry"] = "Model.77", "Model.77.0' is missing");
        Inside(settings => settings["model"]!["single_file"] = "../x.safetensors", "expected one of");

        void Reference(Action<JsonObject> change, string message) => Refuses(WeightStorage.Reference, change, message);

        void Inside(Action<JsonObject> change, string message) => Refuses(WeightStorage.Inside, change, message);
    }

    [Fact]
    public void A_pipe_in_the_place_of_a_file_is_refused_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are none.");
        var mine = _folder.Copy(EmojiModel.Folder, "mine");
        using (var model = DiffusionModel.Load(mine, new LoadOptions { Device = "cpu" }))
            Save(WeightStorage.Reference, model);
        File.Delete(Path.Combine(mine, "model_index.json"));
        using (var process = Process.Start("mkfifo", [Path.Combine(mine, "model_index.json")]))
            process.WaitForExit();
        Assert.Contains("it is a pipe, a socket or a device", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Links_in_a_folder_that_its_owner_made_are_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");

        // As in the cache of the Hugging Face hub, where every file is a link to one elsewhere.
        foreach (var file in Directory.EnumerateFiles(EmojiModel.Folder, "*", SearchOption.AllDirectories))
        {
            var link = Path.Combine(_folder.File("mine"), Path.GetRelativePath(EmojiModel.Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.CreateSymbolicLink(link, file);
        }

        using (var model = DiffusionModel.Load(_folder.File("mine"), new LoadOptions { Device = "cpu" }))
            Save(WeightStorage.Reference, model);
        ((IDisposable)Load()).Dispose();
    }

    private void Refuses(WeightStorage storage, Action<JsonObject> change, string message)
    {
        Save(storage);
        Change(change);
        Assert.Contains(message, Refusal(), StringComparison.Ordinal);
    }

    private string Refusal()
    {
        // ML.NET's own, around ours, which has none inside.
        var error = Assert.Throws<TargetInvocationException>(Load);
        var own = Assert.IsType<ControlNetException>(error.GetBaseException());
        Assert.StartsWith("The model's entry 'TransformerChain/", own.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("cache", "models")) && Directory.EnumerateFileSystemEntries(_folder.File("cache", "models")).Any());
        return own.Message + error;
    }

    private ITransformer Load() => new MLContext().Model.Load(Zip, out _);

    private void Save(WeightStorage storage, DiffusionModel? model = null)
    {
        var data = _ml.Data.LoadFromEnumerable(ImageRows.Rows(0));
        _ml.Model.Save(_ml.Transforms.ControlNet().EncodeText("Text", "Prompt", model ?? _rows.Model, new() { Weights = storage }).Fit(data), data.Schema, Zip);
    }

    private static JsonArray Files(JsonObject settings) => (settings["model"]!["inside"] as JsonArray) ?? settings["model"]!["files"]!.AsArray();

    private void Change(Action<JsonObject> change)
    {
        using var zip = ZipFile.Open(Zip, ZipArchiveMode.Update);
        var entry = zip.Entries.Single(entry => entry.FullName.EndsWith("Settings", StringComparison.Ordinal));
        JsonObject settings;
        using (var stream = entry.Open())
        {
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            settings = JsonNode.Parse(copy.ToArray().AsSpan(sizeof(long)..^SHA256.HashSizeInBytes))!.AsObject();
        }

        var name = entry.FullName;
        entry.Delete();
        change(settings);
        var content = JsonSerializer.SerializeToUtf8Bytes(settings);
        using var target = zip.CreateEntry(name).Open();
        target.Write([.. BitConverter.GetBytes((long)content.Length), .. content, .. SHA256.HashData(content)]);
    }
}
