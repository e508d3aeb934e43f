using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Control networks with fewer attentions than their base, in single files without a configuration.</summary>
public sealed class ControlShapesTests : IDisposable
{
    private const string Layers = ".transformer_blocks.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(Arbitrary = [typeof(ControlShapesTests)], MaxTest = 100)]
    public void Any_mixture_of_blocks_is_seen_from_the_shapes(ControlNetConfig config, bool original)
    {
        var map = KeyMap.For(config);
        var file = ControlFile.Open(Written.Sparse(_folder.File("x.safetensors"), map.Tensors.Select(tensor => original ? (tensor.Original, tensor.OriginalShape) : (tensor.Name, tensor.Shape))));

        Assert.Equal(Computed(config), Computed(file.Config));
        using var weights = file.OpenWeights();
        Assert.Equal(map.Tensors.Count, WeightLoader.Match(weights, KeyMap.For(file.Config)).Count);
    }

    [Theory]
    [InlineData("small", 140, 160_111_120, 320)]
    [InlineData("mid", 224, 272_586_000, 545)]
    public void The_published_small_and_mid_networks_are_the_full_one_without_what_they_lack(string size, int tensors, long parameters, int megabytes)
    {
        Assert.SkipUnless(Fixtures.Has("weights", "keys", "sdxl.controlnet.json"), $"No key lists in {Fixtures.Root}.");
        var mid = size == "mid";
        var names = KeyMapTests.Keys("sdxl.controlnet").Where(pair => mid ? IsInMid(pair.Item1) : IsInSmall(pair.Item1)).ToList();
        var file = ControlFile.Open(Written.Sparse(_folder.File(size + ".safetensors"), names.Select(pair => (pair.Item1, pair.Item2.Split(", ").Select(long.Parse).ToArray()))));

        Assert.Equal(mid ? ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"] : ["DownBlock2D", "DownBlock2D", "DownBlock2D"], file.Config.DownBlockTypes);
        Assert.Equal(mid ? [0, 0, 1] : [0, 0, 0], file.Config.TransformerLayersPerBlock);
        Assert.Equal(("UNetMidBlock2DCrossAttn", 2048, mid), (file.Config.MidBlockType, file.Config.CrossAttentionDim, file.Config.AttendsToText));
        Assert.Equal([5, 10, 20], file.Config.AttentionHeadDim);
        var map = KeyMap.For(file.Config);
        Assert.Equal(names, map.Tensors.Select(tensor => (tensor.Name, string.Join(", ", tensor.Shape))));
        Assert.Equal((tensors, parameters, megabytes), (map.Tensors.Count, map.Parameters, (int)Math.Round(map.Parameters * 2e-6)));
    }

    [Theory]
    [InlineData(true, true, 2048)]
    [InlineData(false, true, 1024)]
    [InlineData(false, false, 768)]
    public void Without_layers_the_family_is_seen_from_pooled_text_and_projections(bool pooled, bool linear, int textWidth)
    {
        var config = new ControlNetConfig
        {
            BlockOutChannels = [32, 64],
            DownBlockTypes = ["DownBlock2D", "DownBlock2D"],
            TransformerLayersPerBlock = [0, 0],
            AttentionHeadDim = [1, 1],
            UseLinearProjection = linear,
            AdditionEmbedType = pooled ? "text_time" : null,
            AdditionTimeEmbedDim = pooled ? 256 : null,
            ProjectionClassEmbeddingsInputDim = pooled ? 2816 : null,
        };
        var path = Written.Sparse(_folder.File("x.safetensors"), KeyMap.For(config).Tensors.Select(tensor => (tensor.Name, tensor.Shape)));
        Assert.Equal((textWidth, linear), (ControlFile.Open(path).Config.CrossAttentionDim, ControlFile.Open(path).Config.UseLinearProjection));
    }

    [Fact]
    public void Half_an_attention_is_named_with_what_it_lacks()
    {
        var config = ControlNetConfig.StableDiffusion15 with { TransformerLayersPerBlock = [0, 0, 0, 0] };
        var map = KeyMap.For(config);
        var lacking = map.Tensors.Where(tensor => tensor.Name is not ("down_blocks.1.attentions.1.proj_out.weight" or "mid_block.resnets.1.norm1.bias"));
        using var weights = ControlFile.Open(Written.Sparse(_folder.File("x.safetensors"), lacking.Select(tensor => (tensor.Name, tensor.Shape))), config).OpenWeights();

        var message = Assert.Throws<ControlNetException>(() => WeightLoader.Match(weights, map)).Message;

        Assert.Contains("x.safetensors: 2 missing: 'down_blocks.1.attentions.1.proj_out.weight', 'mid_block.resnets.1.norm1.bias'", message, StringComparison.Ordinal);
    }

    /// <summary>Networks of a known family: any levels and middle, 0 to 2 layers, heads as that family has them.</summary>
    public static Arbitrary<ControlNetConfig> Arbitrary() => Arb.From(
        from levels in Gen.Choose(1, 4)
        from widths in Gen.Choose(1, 3).ListOf(levels)
        from attention in Gen.Elements(true, false).ListOf(levels)
        from depths in Gen.Choose(0, 2).ListOf(levels)
        from middle in Gen.Elements("UNetMidBlock2DCrossAttn", "UNetMidBlock2D")
        from layers in Gen.Choose(1, 3)
        from family in Gen.Elements(768, 1024, 2048)
        select new ControlNetConfig
        {
            BlockOutChannels = [.. widths.Select(width => width * 64)],
            DownBlockTypes = [.. attention.Select(has => has ? "CrossAttnDownBlock2D" : "DownBlock2D")],
            MidBlockType = middle,
            LayersPerBlock = layers,
            TransformerLayersPerBlock = [.. depths],
            AttentionHeadDim = [.. widths.Select(width => family == 768 ? 8 : width)],
            CrossAttentionDim = family,
            UseLinearProjection = family != 768,
            UpcastAttention = family == 1024,
            AdditionEmbedType = family == 2048 ? "text_time" : null,
            AdditionTimeEmbedDim = family == 2048 ? 256 : null,
            ProjectionClassEmbeddingsInputDim = family == 2048 ? 2816 : null,
            ConditioningEmbeddingOutChannels = [16, 32],
        });

    /// <summary>The configuration with the values that nothing is computed with at what they are by default.</summary>
    private static ControlNetConfig Computed(ControlNetConfig config)
    {
        bool Attends(int level) => config.HasAttention(level) || (level == config.Levels - 1 && config.HasMiddleAttention);
        var any = Enumerable.Range(0, config.Levels).Any(Attends);
        return config with
        {
            TransformerLayersPerBlock = [.. config.TransformerLayersPerBlock.Select((depth, level) => Attends(level) ? depth : 1)],
            AttentionHeadDim = [.. config.AttentionHeadDim.Select((heads, level) => Attends(level) && config.TransformerLayersPerBlock[level] > 0 ? heads : 1)],
            CrossAttentionDim = config.AttendsToText ? config.CrossAttentionDim : 1,
            UpcastAttention = config is { AttendsToText: true, UpcastAttention: true },
            UseLinearProjection = any && config.UseLinearProjection,
        };
    }

    private static bool IsInSmall(string name) =>
        !(name.StartsWith("down_blocks.", StringComparison.Ordinal) && name.Contains(".attentions.", StringComparison.Ordinal)) && !name.Contains(Layers, StringComparison.Ordinal);

    private static bool IsInMid(string name) => !name.Contains(Layers, StringComparison.Ordinal)
        || (!name.StartsWith("down_blocks.1.", StringComparison.Ordinal) && name.Contains(Layers + "0.", StringComparison.Ordinal));
}
