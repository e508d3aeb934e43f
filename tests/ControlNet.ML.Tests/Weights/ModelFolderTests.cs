using System.Text;
using System.Text.Json.Nodes;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

public sealed class ModelFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models => Fixtures.Cases(
        Fixtures.Has("models")
            ? Directory.EnumerateDirectories(Fixtures.Path("models")).Where(folder => File.Exists(Path.Combine(folder, "model_index.json"))).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)
            : []);

    public static TheoryData<string> BrokenIndices => Fixtures.Cases(Fixtures.Has("models", "sd1") ? BrokenCases.TextNames("model_index") : []);

    public static TheoryData<string> BrokenShards => Fixtures.Cases(BrokenCases.TextNames("index"));

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Models)), Trait("Category", "Parity")]
    public void Folders_open_and_their_weights_fit_their_configurations(string name)
    {
        Fixtures.SkipIfNothing(name, "models");
        var model = ModelFolder.Open(Fixtures.Path("models", name));
        Assert.Empty(model.Warnings);
        Check("unet", KeyMap.For(model.UNet));
        Check("vae", KeyMap.For(model.Autoencoder));
        Check("text_encoder", KeyMap.For(model.TextEncoder));
        Assert.Equal(model.Index.IsXL, model.TextEncoder2 is not null);
        if (model.TextEncoder2 is not null)
            Check("text_encoder_2", KeyMap.For(model.TextEncoder2));

        void Check(string part, KeyMap map)
        {
            using var source = model.OpenWeights(part);
            Assert.Equal(map.Tensors.Select(tensor => tensor.Name), WeightLoader.Match(source, map).Select(tensor => tensor.Name));
            Assert.Equal(source.Files.Select(file => file.Path), model.PartFiles(part));
        }
    }

    [Theory, MemberData(nameof(BrokenIndices)), Trait("Category", "Parity")]
    public void Broken_model_indices_get_the_answer_they_deserve(string name)
    {
        Fixtures.SkipIfNothing(name, "broken model indices");
        var item = BrokenCases.TextCase(name);
        if (name.EndsWith("/unet-folder-missing", StringComparison.Ordinal))
            Directory.CreateDirectory(_folder.File("model"));
        else
            _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        WriteFiles(item, "model");
        BrokenCases.Check(item, name.EndsWith("missing", StringComparison.Ordinal) ? "'unet'" : "model_index.json", () => ModelFolder.Open(_folder.File("model")));
    }

    [Theory, MemberData(nameof(BrokenShards)), Trait("Category", "Parity")]
    public void Hostile_shard_indices_are_refused(string name)
    {
        Fixtures.SkipIfNothing(name, "broken indices");
        var item = BrokenCases.TextCase(name);
        Directory.CreateDirectory(_folder.File("text_encoder"));
        WriteFiles(item, "text_encoder");
        BrokenCases.Check(item, "text_encoder/model.safetensors.index.json", () => WeightSource.Open(_folder.File("text_encoder"), NetworkKind.TextEncoder).Dispose());
    }

    [Theory]
    [InlineData("../x.safetensors")]
    [InlineData("sub/x.safetensors")]
    [InlineData("..\\x.safetensors")]
    [InlineData("C:x.safetensors")]
    [InlineData("nul.safetensors")]
    [InlineData("LPT1 .a.safetensors")]
    [InlineData(".safetensors")]
    [InlineData("x.bin")]
    public void A_shard_is_a_file_beside_the_index_and_nothing_else(string shard)
    {
        Directory.CreateDirectory(_folder.File("part", "sub"));
        Written.To(_folder.File("x.safetensors"), [TensorContent.FromFloats("a", new float[1], 1)]);
        File.Copy(_folder.File("x.safetensors"), _folder.File("part", "sub", "x.safetensors"));
        File.Copy(_folder.File("x.safetensors"), _folder.File("part", "x.bin"));
        File.WriteAllText(_folder.File("part", "model.safetensors.index.json"), new JsonObject { ["weight_map"] = new JsonObject { ["a"] = shard } }.ToJsonString());
        var message = Assert.Throws<ControlNetException>(() => WeightSource.Open(_folder.File("part"), NetworkKind.TextEncoder)).Message;
        Assert.Contains("is not the name of a weight file", message, StringComparison.Ordinal);
    }

    [Fact, Trait("Category", "Parity")]
    public void Shards_and_variants_hold_the_model_that_they_were_made_of()
    {
        RequireLayout("variants");
        Compare(Fixtures.Path("weights", "layouts", "variants", "vae"), "vae", NetworkKind.Autoencoder, value => (float)(Half)value);
        Compare(Fixtures.Path("weights", "layouts", "variants", "text_encoder"), "text_encoder", NetworkKind.TextEncoder, value => value);
    }

    [Fact, Trait("Category", "Parity")]
    public void Text_encoder_names_without_prefix_are_read()
    {
        RequireLayout("hf5");
        Compare(Fixtures.Path("weights", "layouts", "hf5", "text_encoder"), "text_encoder", NetworkKind.TextEncoder, value => value);
        var root = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        Directory.Delete(Path.Combine(root, "tokenizer"), recursive: true);
        _folder.Copy(Fixtures.Path("weights", "layouts", "hf5"), "model");
        Assert.Empty(ModelFolder.Open(root).Warnings);
    }

    [Fact, Trait("Category", "Parity")]
    public void Old_attention_names_of_the_autoencoder_are_read()
    {
        RequireLayout("old-vae");
        Compare(Fixtures.Path("weights", "layouts", "old-vae", "vae"), "vae", NetworkKind.Autoencoder, ToBFloat16);
    }

    [Fact]
    public void Convolutions_in_place_of_linear_layers_are_squeezed_and_position_ids_left_out()
    {
        var file = Written.To(_folder.File("x.safetensors"), [
            TensorContent.FromFloats("decoder.mid_block.attentions.0.query.weight", new float[] { 1, 2, 3, 4 }, 2, 2, 1, 1),
            TensorContent.FromFloats("decoder.conv_in.weight", new float[4], 2, 2, 1, 1)]);
        using (var source = WeightSource.OpenFile(file, NetworkKind.Autoencoder))
        {
            Assert.Equal([2, 2], source.Tensors["decoder.mid_block.attentions.0.to_q.weight"].Shape);
            Assert.Equal([2, 2, 1, 1], source.Tensors["decoder.conv_in.weight"].Shape);
        }

        Written.To(file, [TensorContent.FromFloats("text_model.embeddings.position_ids", new float[77], 1, 77), TensorContent.FromFloats("text_projection.weight", new float[1], 1, 1)]);
        using var text = WeightSource.OpenFile(file, NetworkKind.TextEncoder);
        Assert.Equal(["text_projection.weight"], text.Tensors.Keys);
    }

    [Fact]
    public void The_variant_that_is_asked_for_is_used_where_there_is_one()
    {
        RequireModel();
        var root = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        var plain = Path.Combine(root, "unet", "diffusion_pytorch_model.safetensors");
        var half = Path.Combine(root, "unet", "diffusion_pytorch_model.fp16.safetensors");
        File.Copy(plain, half);
        Assert.Equal([plain], ModelFolder.Open(root).PartFiles("unet"));
        Assert.Equal([half], ModelFolder.Open(root, "fp16").PartFiles("unet"));
        Assert.EndsWith("model.safetensors", ModelFolder.Open(root, "fp16").PartFiles("vae").Single(), StringComparison.Ordinal);
        Assert.Contains("'bf16'", Assert.Throws<ControlNetException>(() => ModelFolder.Open(root, "bf16")).Message, StringComparison.Ordinal);
        File.Delete(plain);
        Assert.Equal([half], ModelFolder.Open(root).PartFiles("unet"));
    }

    [Fact]
    public void All_that_is_missing_is_named_together()
    {
        RequireModel();
        var root = _folder.Copy(Fixtures.Path("models", "sdxl"), "model");
        File.Delete(Path.Combine(root, "model_index.json"));
        Assert.True(ModelFolder.Open(root).Index.IsXL);
        Directory.Delete(Path.Combine(root, "tokenizer_2"), recursive: true);
        File.Delete(Path.Combine(root, "unet", "config.json"));
        File.Move(Path.Combine(root, "vae", "diffusion_pytorch_model.safetensors"), Path.Combine(root, "vae", "vae-ft-mse.ckpt"));
        var message = Assert.Throws<ControlNetException>(() => ModelFolder.Open(root)).Message;
        Assert.Contains("'tokenizer_2'", message, StringComparison.Ordinal);
        Assert.Contains("'unet/config.json'", message, StringComparison.Ordinal);
        Assert.Contains("'diffusion_pytorch_model.safetensors' (or 'diffusion_pytorch_model.bin') is missing; there is 'vae-ft-mse.ckpt', which has another name", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_does_not_hold_what_the_index_says_is_refused()
    {
        Written.To(_folder.File("model-00001-of-00001.safetensors"), [TensorContent.FromFloats("a", new float[1], 1), TensorContent.FromFloats("b", new float[1], 1)]);
        File.WriteAllText(_folder.File("model.safetensors.index.json"), """{"weight_map": {"a": "model-00001-of-00001.safetensors", "c": "model-00001-of-00001.safetensors"}}""");
        var message = Assert.Throws<ControlNetException>(() => WeightSource.Open(_folder.Path, NetworkKind.TextEncoder)).Message;
        Assert.Contains("missing 'c'", message, StringComparison.Ordinal);
        Assert.Contains("not in the index 'b'", message, StringComparison.Ordinal);
    }

    private static float ToBFloat16(float value)
    {
        // Round to nearest, ties to even, as torch does.
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
    }

    private static void Compare(string folder, string part, NetworkKind kind, Func<float, float> cast)
    {
        var reference = new ReferenceTensors(Directory.EnumerateFiles(Fixtures.Path("models", "sd1", part), "*.safetensors").Single());
        using var source = WeightSource.Open(folder, kind);
        Assert.Equal(reference.Names.Order(StringComparer.Ordinal), source.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var tensor in source.Tensors.Values)
        {
            Assert.Equal(reference.Shape(tensor.Name), tensor.Shape.Select(size => (int)size));
            var values = new float[tensor.Count];
            tensor.CopyTo(values);
            Assert.Equal(reference.Floats(tensor.Name).Select(cast), values);
        }
    }

    private static void RequireLayout(string name) =>
        Assert.SkipUnless(Fixtures.Has("weights", "layouts", name) && Fixtures.Has("models", "sd1"), $"No layouts/{name} in {Fixtures.Root}.");

    private static void RequireModel() => Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");

    private void WriteFiles(JsonObject item, string folder)
    {
        foreach (var (name, content) in item["files"]!.AsObject())
        {
            var bytes = content is JsonObject other ? Convert.FromBase64String((string)other["base64"]!) : Encoding.UTF8.GetBytes((string)content!);
            File.WriteAllBytes(_folder.File(folder, name), bytes);
        }
    }
}
