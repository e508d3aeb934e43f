using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>What rare keys of a configuration change, in the UNet and in its trainable copy.</summary>
public sealed class ConfigurationKeyTests
{
    private static readonly UNetConfig Tiny = new()
    {
        BlockOutChannels = [8, 16],
        DownBlockTypes = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        UpBlockTypes = ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        LayersPerBlock = 1,
        TransformerLayersPerBlock = [1, 1],
        AttentionHeadDim = [2, 2],
        NormNumGroups = 4,
        CrossAttentionDim = 12,
    };

    public ConfigurationKeyTests() => TorchNative.EnsureLoaded();

    public static TheoryData<string, ScalarType> Keys => new()
    {
        { """{"downsample_padding": 0}""", ScalarType.Float32 },
        { """{"mid_block_scale_factor": 2}""", ScalarType.Float32 },
        { """{"only_cross_attention": true}""", ScalarType.Float32 },
        { """{"upcast_attention": true}""", ScalarType.BFloat16 },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_key_changes_what_both_networks_compute(string json, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var key = UNetConfig.Parse(System.Text.Encoding.UTF8.GetBytes(json), "unet/config.json");
        var changed = Tiny with
        {
            DownsamplePadding = key.DownsamplePadding,
            MidBlockScaleFactor = key.MidBlockScaleFactor,
            OnlyCrossAttention = key.OnlyCrossAttention,
            UpcastAttention = key.UpcastAttention,
        };
        Assert.NotEqual(Tiny, changed);
        Assert.NotEqual(Predict(Tiny, type), Predict(changed, type));
        Assert.NotEqual(Control(Tiny, type), Control(changed, type));
    }

    [Fact]
    public void Upcast_attention_changes_nothing_in_float32()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Assert.Equal(Predict(Tiny, ScalarType.Float32), Predict(Tiny with { UpcastAttention = true }, ScalarType.Float32));
    }

    [Property(Arbitrary = [typeof(TinyUNet)], MaxTest = 30)]
    public void Names_and_shapes_are_those_that_are_looked_for_in_files(TinyUNet tiny)
    {
        using var scope = NewDisposeScope();
        using var unet = new UNet2DConditionModel(tiny.Config);
        var config = ControlNetConfig.FromUNet(tiny.Config);
        using var control = new ControlNetModel(config);
        Assert.Equal(Shapes(KeyMap.For(tiny.Config)), Shapes(unet));
        Assert.Equal(Shapes(KeyMap.For(config)), Shapes(control));

        static IEnumerable<string> Shapes(object of) => (of is KeyMap map
            ? map.Tensors.Select(tensor => (tensor.Name, tensor.Shape))
            : StateDict.Shapes((nn.Module)of)).Select(entry => $"{entry.Item1} [{string.Join(", ", entry.Item2)}]").Order(StringComparer.Ordinal);
    }

    [Fact]
    public void A_block_with_a_scale_factor_divides_its_sum_by_it()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var plain = RandomWeights.Fill(new ResnetBlock(8, 8, 6, 4, 1e-5));
        using var scaled = RandomWeights.Fill(new ResnetBlock(8, 8, 6, 4, 1e-5, divisor: 1.5));
        var (x, time) = (Noise(1, 2, 8, 5, 4), Noise(2, 2, 6));
        using Scalar divisor = 1.5;
        Assert.Equal(plain.forward(x, time).div(divisor).ToData().Values, scaled.forward(x, time).ToData().Values);
    }

    [Fact]
    public void With_cross_attention_only_no_pixel_sees_another()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (x, text) = (Noise(1, 1, 6, 8), Noise(2, 1, 3, 12));
        var changed = x.clone();
        changed[.., 0].FillInPlace(0);
        foreach (var onlyCross in (bool[])[true, false])
        {
            using var block = RandomWeights.Fill(new TransformerBlock(8, 2, 12, onlyCross));
            var (before, after) = (block.forward(x, text), block.forward(changed, text));
            Assert.Equal(onlyCross, before[.., 1..].allclose(after[.., 1..], 1e-6, 1e-6));
            Assert.False(before.allclose(block.forward(x, text.neg()), 1e-3, 1e-3));
        }
    }

    [Theory]
    [InlineData(0, 2, 3)]
    [InlineData(1, 3, 4)]
    public void Padding_decides_what_becomes_of_odd_sizes(int padding, int height, int width)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var network = RandomWeights.Fill(new ControlNetModel(ControlNetConfig.FromUNet(Tiny with { DownsamplePadding = padding })));
        var residuals = network.Forward(Noise(1, 1, 4, 5, 7), Inputs(ScalarType.Float32), network.EncodeCondition(Noise(3, 1, 3, 40, 56)));
        Assert.Equal([1, 16, height, width], residuals.Middle.shape);
        Assert.Equal([1, 4, 5, 7], Output(Tiny with { DownsamplePadding = padding }, ScalarType.Float32, 5, 7).shape);
    }

    [Fact]
    public void Upcast_attention_rounds_once_where_the_weights_are_bfloat16()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var upcast = RandomWeights.Fill(Unset.On(ScalarType.BFloat16, CPU, () => new Attention(16, 2, 16, upcast: true)));
        var x = Noise(1, 1, 12, 16).to(ScalarType.BFloat16);
        Tensor Heads(nn.Module<Tensor, Tensor> projection) => projection.forward(x).to(ScalarType.Float32).view(1, 12, 2, 8).transpose(1, 2);
        var mixed = nn.functional.scaled_dot_product_attention(Heads(upcast.to_q), Heads(upcast.to_k), Heads(upcast.to_v));
        var expected = upcast.to_out[0].forward(mixed.to(ScalarType.BFloat16).transpose(1, 2).flatten(2));
        Assert.Equal(expected.to(ScalarType.Float32).ToData().Values, upcast.forward(x, null).to(ScalarType.Float32).ToData().Values);
    }

    [Fact]
    public void ControlNet_lite_has_the_usual_padding_only()
    {
        var config = ControlNetConfig.FromUNet(Tiny with { DownsamplePadding = 0 }) with { Lite = true };
        Assert.Contains("'downsample_padding' is 0, expected 1 to 1", Assert.Throws<ControlNetException>(() => config.Check()).Message);
    }

    private static float[] Predict(UNetConfig config, ScalarType type) => Output(config, type, 6, 4).to(ScalarType.Float32).ToData().Values;

    private static Tensor Output(UNetConfig config, ScalarType type, int height, int width)
    {
        using var unet = RandomWeights.Fill(Unset.On(type, CPU, () => new UNet2DConditionModel(config)));
        return unet.Forward(Noise(1, 1, 4, height, width).to(type), Inputs(type));
    }

    private static float[] Control(UNetConfig config, ScalarType type)
    {
        using var network = RandomWeights.Fill(Unset.On(type, CPU, () => new ControlNetModel(ControlNetConfig.FromUNet(config))));
        var residuals = network.Forward(Noise(1, 1, 4, 6, 4).to(type), Inputs(type), network.EncodeCondition(Noise(3, 1, 3, 48, 32).to(type)));
        return residuals.Middle.to(ScalarType.Float32).ToData().Values;
    }

    private static UNetInputs Inputs(ScalarType type) => new(tensor([500f]), Noise(2, 1, 5, 12).to(type), null, null, null);

    private static Tensor Noise(int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, generator: generator);
    }
}
