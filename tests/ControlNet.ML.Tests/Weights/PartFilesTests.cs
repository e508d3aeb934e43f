using System.Text.Json.Nodes;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Which of the files in a part's folder are its weights, and what is said where none are.</summary>
public sealed class PartFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors")]
    [InlineData("fp16", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.safetensors")]
    [InlineData("ema", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors")]
    [InlineData(null, "diffusion_pytorch_model.bf16.safetensors", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.safetensors")]
    [InlineData("ema", "diffusion_pytorch_model.bf16.safetensors", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.safetensors")]
    [InlineData(null, "diffusion_pytorch_model.ema.safetensors", "diffusion_pytorch_model.bf16.safetensors", "diffusion_pytorch_model.bf16.safetensors")]
    public void The_variant_asked_for_else_the_plain_file_else_float16_else_the_first(string? variant, string one, string other, string chosen)
    {
        Write(one);
        Write(other);
        using var source = WeightSource.Open(_folder.Path, NetworkKind.UNet, variant);
        Assert.Equal(_folder.File(chosen), Assert.Single(source.Files).Path);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model-00001-of-00002.safetensors")]
    [InlineData("diffusion_pytorch_model.fp16-00001-of-00002.safetensors")]
    [InlineData("diffusion_pytorch_model.a.b.safetensors")]
    [InlineData("diffusion_pytorch_model.safetensors.part")]
    [InlineData("my_diffusion_pytorch_model.safetensors")]
    public void Files_of_other_names_are_no_weights(string name)
    {
        Write(name);
        Assert.Throws<ControlNetException>(() => WeightSource.Open(_folder.Path, NetworkKind.UNet));
    }

    [Fact]
    public void A_single_file_goes_before_an_index_of_the_same_variant_and_an_index_is_read_by_its_variant()
    {
        Write("diffusion_pytorch_model-1.safetensors", "a");
        Index("diffusion_pytorch_model.safetensors.index.fp16.json", ("a", "diffusion_pytorch_model-1.safetensors"));
        Write("diffusion_pytorch_model.safetensors", "b");
        using (var plain = WeightSource.Open(_folder.Path, NetworkKind.UNet))
            Assert.Equal(["b"], plain.Tensors.Keys);
        using (var half = WeightSource.Open(_folder.Path, NetworkKind.UNet, "fp16"))
            Assert.Equal(["a"], half.Tensors.Keys);
        Write("diffusion_pytorch_model.fp16.safetensors", "c");
        using (var half = WeightSource.Open(_folder.Path, NetworkKind.UNet, "fp16"))
            Assert.Equal(["c"], half.Tensors.Keys);
    }

    [Fact]
    public void What_is_there_instead_of_weights_is_said()
    {
        Says(_folder.File("nowhere"), "the folder is missing");
        Says(_folder.Path, "'diffusion_pytorch_model.safetensors' (or 'diffusion_pytorch_model.bin') is missing");
        Write("model-00001-of-00002.safetensors");
        Says(_folder.Path, "has shards but not their index 'diffusion_pytorch_model.safetensors.index.json'");
        File.Delete(_folder.File("model-00001-of-00002.safetensors"));
        foreach (var ending in (string[])["bin", "pth", "pt", "CKPT"])
        {
            _folder.Write("weights." + ending, []);
            Says(_folder.Path, $"is missing; there is 'weights.{ending}', which has another name");
            File.Delete(_folder.File("weights." + ending));
        }

        static void Says(string folder, string message) =>
            Assert.Contains(message, Assert.Throws<ControlNetException>(() => WeightSource.Open(folder, NetworkKind.UNet)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "has no 'weight_map'")]
    [InlineData("""{"weight_map": []}""", "has no 'weight_map'")]
    [InlineData("""{"weight_map": {"a": 3}}""", "the file of 'a' is 3, expected a string")]
    [InlineData("""{"weight_map": {}}""", "is empty, expected tensors")]
    [InlineData("""{"weight_map": {"a": "x.safetensors", "b": "y.safetensors", "c": "here.safetensors"}}""", "of its 3 files these are missing: 'x.safetensors', 'y.safetensors'")]
    public void An_index_that_cannot_be_meant_is_refused(string json, string message)
    {
        Write("here.safetensors", "c");
        File.WriteAllText(_folder.File("model.safetensors.index.json"), json);
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => WeightSource.Open(_folder.Path, NetworkKind.TextEncoder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CON.safetensors", false)]
    [InlineData("prn.safetensors", false)]
    [InlineData("Aux.safetensors", false)]
    [InlineData("com1.safetensors", false)]
    [InlineData("LPT9.safetensors", false)]
    [InlineData("CONIN$.safetensors", false)]
    [InlineData("conout$.safetensors", false)]
    [InlineData("a?.safetensors", false)]
    [InlineData("a\u0007.safetensors", false)]
    [InlineData("a.SAFETENSORS", false)]
    [InlineData("com.safetensors", true)]
    [InlineData("lpt10.safetensors", true)]
    [InlineData("comb1.safetensors", true)]
    [InlineData("xcom1.safetensors", true)]
    [InlineData("console.safetensors", true)]
    [InlineData("å b.safetensors", true)]
    public void Names_of_devices_and_of_no_files_are_not_followed(string name, bool isFollowed) => Follows(name, isFollowed);

    [Fact]
    public void Names_have_a_length_that_every_system_knows()
    {
        Follows(new string('a', 255 - ".safetensors".Length) + ".safetensors", true);
        Follows(new string('a', 256 - ".safetensors".Length) + ".safetensors", false);
    }

    [Fact]
    public void Tensors_of_all_shards_are_there_and_one_that_stands_in_two_is_refused()
    {
        Write("1.safetensors", "a", "b");
        Write("2.safetensors", "c");
        Index("model.safetensors.index.json", ("a", "1.safetensors"), ("b", "1.safetensors"), ("c", "2.safetensors"));
        using (var source = WeightSource.Open(_folder.Path, NetworkKind.TextEncoder))
        {
            Assert.Equal(["a", "b", "c"], source.Tensors.Keys.Order());
            Assert.Equal(2, source.Files.Count);
            source.Keep(name => name != "b");
            Assert.Equal(["a", "c"], source.Tensors.Keys.Order());
        }

        Write("3.safetensors", "encoder.x", "text_model.encoder.x");
        var message = Assert.Throws<ControlNetException>(() => WeightSource.OpenFile(_folder.File("3.safetensors"), NetworkKind.TextEncoder)).Message;
        Assert.Contains("are both 'text_model.encoder.x'", message, StringComparison.Ordinal);
    }

    private void Follows(string name, bool isFollowed)
    {
        Index("model.safetensors.index.json", ("a", name));
        var message = Assert.Throws<ControlNetException>(() => WeightSource.Open(_folder.Path, NetworkKind.TextEncoder)).Message;
        Assert.Contains(isFollowed ? "files these are missing" : "is not the name of a weight file", message, StringComparison.Ordinal);
    }

    private void Write(string name, params string[] tensors) =>
        Written.To(_folder.File(name), tensors.Select(tensor => TensorContent.FromFloats(tensor, new float[1], 1)));

    private void Index(string name, params (string Tensor, string File)[] map) => File.WriteAllText(
        _folder.File(name),
        new JsonObject { ["weight_map"] = new JsonObject(map.Select(pair => KeyValuePair.Create(pair.Tensor, (JsonNode?)pair.File))) }.ToJsonString());
}
