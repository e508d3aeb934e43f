using ControlNet.ML.Components;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>LoRAs and textual inversions in ML.NET pipelines: for all rows or for each, and in saved models.</summary>
public sealed class LoraComponentTests : IDisposable
{
    private const string Second = "style:0.7;other:0.3";
    private static readonly GenerateComponentOptions Options = new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, BatchSize = 4, LorasColumn = "Loras" };

    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();
    private readonly DiffusionModel _model = AdapterFixtures.Model();

    private string Zip => _folder.File("model.zip");

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Each_row_has_its_own_LoRAs_and_the_others_those_of_all_rows()
    {
        Load();
        var data = Data("", "other:0.5", Second, "");
        var read = _model.WeightCounters.Read;
        var made = _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, Options with { Loras = [new("style", 0.8)] }).Fit(data).Transform(data);
        Equal(made, "style:0.8", "other:0.5", Second, "style:0.8");
        Assert.Equal(read, _model.WeightCounters.Read);
    }

    [Fact]
    public void Stages_are_one_after_the_other_what_Generate_is()
    {
        Load();
        var stages = _ml.Transforms.ControlNet();
        var data = Data("", "other:0.5");
        var chain = stages.EncodeText("Text", "Prompt", _model, new() { Loras = [new("style", 0.8)], LorasColumn = "Loras" })
            .Append(stages.Denoise("Latents", "Text", _model, null, new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, Loras = [new("style", 0.8)], LorasColumn = "Loras" }))
            .Append(stages.DecodeImage("Image", "Latents", _model));
        Equal(chain.Fit(data).Transform(data), "style:0.8", "other:0.5");
    }

    [Fact]
    public void A_LoRA_that_does_not_exist_fails_its_row_or_the_component()
    {
        var data = Data("nothing.safetensors");
        var made = _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, Options with { ErrorColumn = "Error" }).Fit(data).Transform(data);
        Assert.Contains("There is no LoRA 'nothing.safetensors'", Assert.Single(made.GetColumn<string>("Error")), StringComparison.Ordinal);
        Assert.Throws<ControlNetException>(() => _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, Options with { Loras = [new("nothing")] }));
    }

    [Fact]
    public void A_saved_model_finds_its_LoRAs_and_textual_inversions_again_and_knows_their_contents()
    {
        var lora = Copy("lora-a-peft.safetensors");
        _model.LoadEmbedding(AdapterFixtures.File("ti-diffusers.safetensors"));
        var data = Data("", "style:0.3");
        _model.LoadLora(AdapterFixtures.File("lora-b-kohya.safetensors"), "style");
        var chain = _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, Options with { Loras = [new(lora, 0.8)] });
        _ml.Model.Save(chain.Fit(data), data.Schema, Zip);
        var expected = Images(chain.Fit(data).Transform(data));

        var loaded = new MLContext().Model.Load(Zip, out _);
        Assert.Equal(expected, Images(loaded.Transform(data)));
        ((IDisposable)loaded).Dispose();

        var bytes = File.ReadAllBytes(lora);
        bytes[^1] ^= 1;
        File.WriteAllBytes(lora, bytes);
        Assert.Contains("has changed", Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(Zip, out _)).GetBaseException().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inside_a_saved_model_there_is_no_room_for_them()
    {
        Load();
        var data = Data("");
        var model = _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, Options with { Weights = WeightStorage.Inside }).Fit(data);
        Assert.Contains("'other', 'style'", Assert.ThrowsAny<Exception>(() => _ml.Model.Save(model, data.Schema, Zip)).GetBaseException().Message, StringComparison.Ordinal);
    }

    private void Load()
    {
        _model.LoadLora(AdapterFixtures.File("lora-a-peft.safetensors"), "style");
        _model.LoadLora(AdapterFixtures.File("lora-b-kohya.safetensors"), "other");
    }

    private string Copy(string name)
    {
        File.Copy(AdapterFixtures.File(name), _folder.File(name));
        return _folder.File(name);
    }

    private IDataView Data(params string[] loras) => _ml.Data.LoadFromEnumerable(loras.Select(list => new LoraRow { Loras = list }));

    private void Equal(IDataView made, params string[] loras)
    {
        var images = Images(made);
        Assert.Equal(loras.Length, images.Count);
        foreach (var (image, list) in images.Zip(loras))
        {
            var expected = _model.Generate("a <cat>", new GenerateOptions { Steps = 2, Guidance = 4, Width = 64, Height = 64, Loras = LoraWeight.ParseList(list) });
            Close.Absolute<byte, byte>(expected.Image.Samples, image, 1, list);
        }
    }

    private static List<byte[]> Images(IDataView view) => [.. view.GetColumn<MLImage>("Image").Select(image => image.ToImageBuffer().Samples.ToArray())];

    private sealed class LoraRow
    {
        public string Prompt { get; set; } = "a <cat>";

        public string Loras { get; set; } = "";
    }
}
