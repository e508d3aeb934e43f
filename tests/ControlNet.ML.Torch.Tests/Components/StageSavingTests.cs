using ControlNet.ML.Components;
using ControlNet.ML.Emoji;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Saved models, which refer to their weights.</summary>
public sealed class StageSavingTests(ImageRows rows) : IClassFixture<ImageRows>, IDisposable
{
    private const string FoldersVariable = "CONTROLNET_MODELS";

    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private IDataView Data => _ml.Data.LoadFromEnumerable(ImageRows.Rows(0, 1));

    private string Zip => _folder.File("model.zip");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Another_process_makes_the_same_images()
    {
        var chain = Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64)
            .Append(Stages.EncodeText("Text", "Prompt", rows.Model, new() { NegativePrompt = "fox" }))
            .Append(Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", rows.Canny)], new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed" }))
            .Append(Stages.DecodeImage("Image", "Latents", rows.Model));
        _ml.Model.Save(chain.Fit(Data), Data.Schema, Zip);
        var expected = new[] { 0, 1 }.Select(id => (id, Cells.Of(rows.Expected(id, ownSettings: false)))).ToList();
        Cells.Equal(expected, LoadProcess.Run(_folder.Path, 2), 1);

        _ml.Model.Save(Stages.Generate("Image", "Prompt", rows.Model, rows.PlainControl, ImageRows.Plain).Fit(Data), Data.Schema, Zip);
        Cells.Equal(expected, LoadProcess.Run(_folder.Path, 2), 1);
    }

    [Fact]
    public void Loaded_models_share_their_networks_until_the_last_is_disposed()
    {
        Save(rows.Model, rows.Canny);
        var (first, second) = (Load(), Load());
        var firstView = first.Transform(Data);
        ((IDisposable)first).Dispose();
        Assert.Throws<ObjectDisposedException>(() => Cells.Read(firstView, "Image"));
        Cells.Equal([(0, Cells.Of(rows.Expected(0, ownSettings: true)))], Cells.Read(_ml.Data.TakeRows(second.Transform(Data), 1), "Image"), 1);

        // It is saved as it was.
        var length = new FileInfo(Zip).Length;
        _ml.Model.Save(second, Data.Schema, Zip);
        Assert.Equal(length, new FileInfo(Zip).Length);
        ((IDisposable)second).Dispose();
    }

    [Fact]
    public void Weights_that_have_moved_are_found_in_the_folders_of_the_environment()
    {
        var folder = _folder.Copy(EmojiModel.Folder, "before/mine");
        using (var model = DiffusionModel.Load(folder, new LoadOptions { Device = "cpu" }))
        using (var network = ControlNetwork.Load(Path.Combine(folder, "controlnet", "canny"), new LoadOptions { Device = "cpu" }))
            Save(model, network);
        Directory.CreateDirectory(_folder.File("after"));
        Directory.Move(folder, _folder.File("after", "mine"));
        var message = Assert.ThrowsAny<Exception>(Load).GetBaseException().Message;
        Assert.Contains($"{folder}: does not exist", message, StringComparison.Ordinal);
        Assert.Contains(FoldersVariable, message, StringComparison.Ordinal);

        Environment.SetEnvironmentVariable(FoldersVariable, string.Join(
            Path.PathSeparator, _folder.File("nothing"), _folder.File("after"), _folder.File("after", "mine", "controlnet")));
        try
        {
            var loaded = Load();
            Cells.Equal([(0, Cells.Of(rows.Expected(0, ownSettings: true)))], Cells.Read(_ml.Data.TakeRows(loaded.Transform(Data), 1), "Image"), 1);
            ((IDisposable)loaded).Dispose();
        }
        finally
        {
            Environment.SetEnvironmentVariable(FoldersVariable, null);
        }
    }

    [Theory]
    [InlineData("unet/diffusion_pytorch_model.safetensors")]
    [InlineData("tokenizer/vocab.json")]
    [InlineData("scheduler/scheduler_config.json")]
    public void Files_that_are_others_are_named(string name)
    {
        var folder = _folder.Copy(EmojiModel.Folder, "mine");
        using (var model = DiffusionModel.Load(folder, new LoadOptions { Device = "cpu" }))
            Save(model, rows.Canny);
        var file = Path.Combine(folder, name);
        var bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Contains($"{folder}: '{name}' has changed: its SHA-256 is ", Assert.ThrowsAny<Exception>(Load).GetBaseException().Message, StringComparison.Ordinal);

        File.Delete(file);
        Assert.Contains($"{folder}: '{name}' is missing", Assert.ThrowsAny<Exception>(Load).GetBaseException().Message, StringComparison.Ordinal);
    }

    private void Save(DiffusionModel model, ControlNetwork network)
    {
        ControlColumn[] controls = [rows.OwnControl[0] with { Network = network }];
        _ml.Model.Save(Stages.Generate("Image", "Prompt", model, controls, ImageRows.Own).Fit(Data), Data.Schema, Zip);
    }

    private ITransformer Load() => new MLContext().Model.Load(Zip, out _);
}
