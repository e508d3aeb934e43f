using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

public sealed class ControlFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Controls => Fixtures.Cases(
        new[] { ("*control*", Fixtures.Path("models")), ("*", Fixtures.Path("beyond", "fewer")) }.Where(place => Directory.Exists(place.Item2))
            .SelectMany(place => Directory.EnumerateDirectories(place.Item2, place.Item1)).Select(folder => Path.GetRelativePath(Fixtures.Root, folder)).Order(StringComparer.Ordinal));

    public static TheoryData<string> FullSize => Fixtures.Cases(
        Fixtures.Has("weights", "keys", "counts.json")
            ? KeyMapTests.Counts().Select(pair => pair.Key).Where(name => name.Contains(".controlnet", StringComparison.Ordinal))
            : []);

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Controls)), Trait("Category", "Parity")]
    public void Original_and_diffusers_files_give_the_same_weights_as_the_folder(string name)
    {
        Fixtures.SkipIfNothing(name, "control networks");
        var folder = ControlFolder.Open(Fixtures.Path(name));
        using var weights = folder.OpenWeights();
        foreach (var prefix in new[] { "control_model.", "" })
        {
            var map = KeyMap.For(folder.Config, prefix);
            var plan = WeightLoader.Match(weights, map);
            var path = Written.To(_folder.File("original.safetensors"), plan.Select(tensor => Copy(map.FindByName(tensor.Name)!.Original, tensor)));
            using var original = ControlFile.Open(path, folder.Config).OpenWeights();
            Equal(plan, WeightLoader.Match(original, map));
        }

        File.Copy(weights.Files[0].Path, _folder.File("diffusers.safetensors"));
        File.WriteAllText(_folder.File("diffusers.json"), folder.Config.ToJson());
        var single = ControlFile.Open(_folder.File("diffusers.safetensors"));
        Assert.Equal(folder.Config, single.Config);
        using var source = single.OpenWeights();
        Equal(WeightLoader.Match(weights, KeyMap.For(folder.Config)), WeightLoader.Match(source, KeyMap.For(folder.Config)));
    }

    [Theory, MemberData(nameof(FullSize)), Trait("Category", "Parity")]
    public void The_configurations_of_the_known_families_are_seen_from_the_shapes(string name)
    {
        Fixtures.SkipIfNothing(name, "key lists");
        var path = Written.Sparse(_folder.File("full.safetensors"), KeyMapTests.Keys(name).Select(pair => (pair.Item1, pair.Item2.Split(", ").Select(long.Parse).ToArray())));
        var file = ControlFile.Open(path);
        var released = File.ReadAllBytes(Fixtures.Path("weights", "keys", name.Replace(".original", "", StringComparison.Ordinal) + ".config.json"));
        Assert.Equal(ControlNetConfig.Parse(released, name), file.Config);
        using var source = file.OpenWeights();
        Assert.Equal(file.Config.DownResiduals, source.Tensors.Keys.Count(key => key.StartsWith("controlnet_down_blocks.", StringComparison.Ordinal) && key.EndsWith("weight", StringComparison.Ordinal)));
        WeightLoader.Match(source, KeyMap.For(file.Config));
    }

    [Fact]
    public void Only_the_control_network_of_a_whole_checkpoint_is_taken()
    {
        RequireModel();
        var folder = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a"));
        using var weights = folder.OpenWeights();
        var map = KeyMap.For(folder.Config);
        var path = Written.To(_folder.File("whole.safetensors"), [
            .. weights.Tensors.Values.Select(tensor => Copy(map.FindByName(tensor.Name)!.Original, tensor)),
            TensorContent.FromFloats("model.diffusion_model.out.2.bias", new float[4], 4)]);
        using var source = ControlFile.Open(path, folder.Config).OpenWeights();
        Assert.Equal(map.Tensors.Count, WeightLoader.Match(source, map).Count);
    }

    [Fact]
    public void What_is_no_control_network_of_a_known_family_is_said_so()
    {
        RequireModel();
        Fails(Fixtures.Path("models", "sd1", "unet", "diffusion_pytorch_model.safetensors"), "is a UNet; expected a control network");
        Fails(Written.To(_folder.File("any.safetensors"), [TensorContent.FromFloats("weight", new float[4], 4)]), "contains no control network");
        Fails(Written.To(_folder.File("lora.safetensors"), [TensorContent.FromFloats("lora_controlnet", Array.Empty<float>(), 0)]), "Control-LoRA");
        Fails(Fixtures.Path("models", "sd1-control-a", "diffusion_pytorch_model.safetensors"), "next to the file, as 'diffusion_pytorch_model.json'");
        Fails(_folder.Write("x.safetensors", [0x80, 2, .. "}q\0X\n\0\0\0"u8]), "Python pickle");
        Assert.Throws<ControlNetException>(() => ControlFolder.Open(Fixtures.Path("models", "sd1")));

        static void Fails(string path, string expected) =>
            Assert.Contains(expected, Assert.Throws<ControlNetException>(() => ControlFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mismatches_are_listed_together_and_cut_to_eight()
    {
        RequireModel();
        using var source = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a")).OpenWeights();
        var expected = source.Tensors.Values.Where(tensor => !tensor.Name.StartsWith("down_blocks.3.", StringComparison.Ordinal)).Select(tensor => (tensor.Name, tensor.Shape)).ToList();
        var index = expected.FindIndex(pair => pair.Name == "conv_in.weight");
        expected[index] = ("conv_in.weight", [8, 9, 3, 3]);
        expected.Add(("my.weight", [1]));
        var message = Assert.Throws<ControlNetException>(() => WeightLoader.Match(source, expected)).Message;
        Assert.StartsWith("sd1-control-a/diffusion_pytorch_model.safetensors: 'conv_in.weight' is [8, 4, 3, 3], expected [8, 9, 3, 3]; 1 missing: 'my.weight'; 20 unexpected: ", message, StringComparison.Ordinal);
        Assert.EndsWith(" and 12 more: is this a control network of another family, or another configuration?", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_the_network_does_not_have_is_an_error_by_itself()
    {
        using var source = WeightSource.OpenFile(Written.To(_folder.File("x.safetensors"), [TensorContent.FromFloats("a", new float[1], 1), TensorContent.FromFloats("b", new float[1], 1)]), NetworkKind.UNet);
        Assert.Contains("1 unexpected: 'b'", Assert.Throws<ControlNetException>(() => WeightLoader.Match(source, [("a", [1L])])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_numbers_are_no_weights()
    {
        using var source = WeightSource.OpenFile(Written.To(_folder.File("x.safetensors"), [TensorContent.FromBytes("a", TensorType.I64, [1], new byte[8])]), NetworkKind.UNet);
        Assert.Contains("'a' is I64", Assert.Throws<ControlNetException>(() => WeightLoader.Match(source, [("a", [1L])])).Message, StringComparison.Ordinal);
    }

    private static void Equal(IReadOnlyList<WeightTensor> expected, IReadOnlyList<WeightTensor> actual)
    {
        Assert.Equal(expected.Select(tensor => tensor.Name), actual.Select(tensor => tensor.Name));
        foreach (var (a, b) in expected.Zip(actual))
            Assert.True(a.File.Bytes(a.Key).SequenceEqual(b.File.Bytes(b.Key)), a.Name);
    }

    private static TensorContent Copy(string name, WeightTensor tensor) =>
        new(name, tensor.Type, tensor.Shape, stream => stream.Write(tensor.File.Bytes(tensor.Key)));

    private static void RequireModel() => Assert.SkipUnless(Fixtures.Has("models", "sd1-control-a"), $"No models in {Fixtures.Root}.");
}
