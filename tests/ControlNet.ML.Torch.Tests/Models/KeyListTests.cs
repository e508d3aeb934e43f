using System.Text.Json;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Names and shapes of the full-size networks, built without memory, against the lists of the released models.</summary>
[Trait("Category", "Parity")]
public sealed class KeyListTests
{
    public KeyListTests() => TorchNative.EnsureLoaded();

    public static TheoryData<string> Lists() => Fixtures.Cases(
        Fixtures.Has("weights", "keys")
            ? Directory.EnumerateFiles(Fixtures.Path("weights", "keys"), "*.config.json")
                .Select(file => Path.GetFileName(file)[..^".config.json".Length])
                .Where(list => Fixtures.Has("weights", "keys", $"{list}.json")).Order(StringComparer.Ordinal)
            : []);

    [Theory, MemberData(nameof(Lists))]
    public void Names_and_shapes_are_those_of_the_released_model(string list)
    {
        Fixtures.SkipIfNothing(list, "weights/keys");
        var config = File.ReadAllBytes(Fixtures.Path("weights", "keys", $"{list}.config.json"));
        using var scope = NewDisposeScope();
        using var network = Unset.On(ScalarType.Float32, META, () => Build(list.Split('.')[1], config));

        using var expected = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("weights", "keys", $"{list}.json")));
        Assert.Equal(
            expected.RootElement.EnumerateObject().Select(e => $"{e.Name} {e.Value}".Replace(" ", "")).Order(StringComparer.Ordinal),
            StateDict.Shapes(network).Select(e => $"{e.Name}[{string.Join(",", e.Shape)}]").Order(StringComparer.Ordinal));
    }

    private static nn.Module Build(string part, byte[] config) => part switch
    {
        "unet" => new UNet2DConditionModel(UNetConfig.Parse(config, part)),
        "controlnet" => new ControlNetModel(ControlNetConfig.Parse(config, part)),
        "vae" => new AutoencoderKL(AutoencoderConfig.Parse(config, part)),
        "text_encoder" or "text_encoder_2" => new ClipTextModel(ClipTextConfig.Parse(config, part)),
        _ => throw new ArgumentException($"No network is called '{part}'."),
    };
}
