using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

public class KeyMapTests
{
    public static TheoryData<string> Lists => Fixtures.Cases(
        Fixtures.Has("weights", "keys", "counts.json")
            ? Counts().Select(pair => pair.Key).Where(name => !name.EndsWith(".original", StringComparison.Ordinal) && Fixtures.Has("weights", "keys", name + ".config.json"))
            : []);

    [Theory, MemberData(nameof(Lists)), Trait("Category", "Parity")]
    public void Names_and_shapes_are_those_of_the_released_models(string name)
    {
        Fixtures.SkipIfNothing(name, "key lists");
        var map = Map(name);
        Assert.Equal(Keys(name), map.Tensors.Select(tensor => (tensor.Name, Message(tensor.Shape))));
        Assert.Equal((long)Counts()[name]!["parameters"]!, map.Parameters);
    }

    [Theory, MemberData(nameof(Lists)), Trait("Category", "Parity")]
    public void Original_names_map_both_ways(string name)
    {
        Fixtures.SkipIfNothing(name, "key lists");
        Assert.SkipUnless(Counts().ContainsKey(name + ".original"), $"{name} has no original layout.");
        var notParameters = Counts()[name + ".original"]!["not_parameters"]!.AsArray().Select(key => (string)key!).ToHashSet();
        var original = Keys(name + ".original").Where(pair => !notParameters.Contains(pair.Item1)).ToList();
        Assert.SkipWhen(original.Any(pair => pair.Item1.EndsWith("in_proj_weight", StringComparison.Ordinal)), $"{name} is OpenCLIP's, with fused projections.");

        var map = Map(name);
        Assert.Equal(original, map.Tensors.Select(tensor => (tensor.Original, Message(tensor.OriginalShape))));
        foreach (var ((present, _), (old, _)) in Keys(name).Zip(original))
        {
            Assert.Equal(present, map.FindByOriginal(old)?.Name);
            Assert.Equal(old, map.FindByName(present)?.Original);
        }
    }

    [Fact]
    public void A_name_that_the_network_does_not_have_is_not_translated()
    {
        var map = KeyMap.For(ControlNetConfig.StableDiffusion15, "");
        Assert.Equal("conv_in.weight", map.FindByOriginal("input_blocks.0.0.weight")?.Name);
        Assert.Null(map.FindByOriginal("input_blocks.12.0.in_layers.0.weight"));
        Assert.Null(map.FindByOriginal("control_model.input_blocks.0.0.weight"));
        Assert.Null(map.FindByName("up_blocks.0.resnets.0.norm1.weight"));
    }

    [Fact]
    public void The_full_size_configurations_have_the_published_numbers_of_parameters()
    {
        Assert.Equal(859_520_964, KeyMap.For(UNetConfig.StableDiffusion15).Parameters);
        Assert.Equal(361_279_120, KeyMap.For(ControlNetConfig.StableDiffusion15).Parameters);
        Assert.Equal(83_653_863, KeyMap.For(AutoencoderConfig.StableDiffusion15).Parameters);
        Assert.Equal(123_060_480, KeyMap.For(ClipTextConfig.ClipL).Parameters);
    }

    internal static JsonObject Counts() => JsonNode.Parse(File.ReadAllText(Fixtures.Path("weights", "keys", "counts.json")))!.AsObject();

    internal static List<(string, string)> Keys(string name)
    {
        name = (string?)Counts()[name]!["same_as"] ?? name;
        var list = JsonNode.Parse(File.ReadAllText(Fixtures.Path("weights", "keys", name + ".json")))!.AsObject();
        return [.. list.Select(pair => (pair.Key, Message([.. pair.Value!.AsArray().Select(size => (long)size!)])))];
    }

    /// <summary>A list's map; the prefix is what the original list says, for SDXL has others.</summary>
    private static KeyMap Map(string name)
    {
        var path = Fixtures.Path("weights", "keys", name + ".config.json");
        var json = File.ReadAllBytes(path);
        return name.Split('.')[1] switch
        {
            "unet" => KeyMap.For(UNetConfig.Parse(json, path)),
            "controlnet" => KeyMap.For(ControlNetConfig.Parse(json, path)),
            "vae" => KeyMap.For(AutoencoderConfig.Parse(json, path)),
            _ => KeyMap.For(ClipTextConfig.Parse(json, path), name.StartsWith("sdxl", StringComparison.Ordinal) ? KeyMap.FirstTextEncoderPrefix : KeyMap.TextEncoderPrefix),
        };
    }

    private static string Message(long[] shape) => string.Join(", ", shape);
}
