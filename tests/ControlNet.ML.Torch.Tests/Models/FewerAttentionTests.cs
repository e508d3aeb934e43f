using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Networks whose attentions have no layers, and those that have fewer attentions or none, such as the small and mid networks of SDXL.</summary>
public sealed class FewerAttentionTests
{
    private const double Tolerance = 2e-5;

    private static readonly string[] Checked = ["condition_embedding.checks", "down.checks"];

    public FewerAttentionTests() => TorchNative.EnsureLoaded();

    public static TheoryData<string> Networks() => Fixtures.Cases(
        Fixtures.Has("beyond", "fewer")
            ? Directory.EnumerateDirectories(Fixtures.Path("beyond", "fewer")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)
            : []);

    [Theory, MemberData(nameof(Networks)), Trait("Category", "Parity")]
    public void Residuals_are_those_of_diffusers(string name)
    {
        Fixtures.SkipIfNothing(name, "beyond/fewer");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceTensors(Fixtures.Path("beyond", "fewer", "modules.safetensors"));
        var given = new ReferenceTensors(Fixtures.Path("beyond", "module-inputs.safetensors"));
        var folder = ControlFolder.Open(Fixtures.Path("beyond", "fewer", name));
        using var weights = folder.OpenWeights();
        using var network = StateDict.Load(() => new ControlNetModel(folder.Config), weights, ScalarType.Float32, CPU);
        var sample = Read(given, "sample");
        var inputs = new UNetInputs(Read(given, "timestep"), Read(given, "encoder_hidden_states_xl"), Read(given, "text_embeds"), Read(given, "time_ids"), null);

        using var divisor = (TorchSharp.Scalar)255;
        var hint = network.EncodeCondition(Read(given, "condition").div(divisor));
        TensorChecks.Compare(reference, $"{name}.{Checked[0]}", 0, hint.ToData().Values, Tolerance);

        var residuals = network.Forward(sample, inputs, hint).Select((residual, _) => residual * 0.8);
        foreach (var (i, skip) in residuals.Skips.Index())
        {
            if (reference.Has($"{name}.{Checked[1]}"))
                TensorChecks.Compare(reference, $"{name}.{Checked[1]}", i, skip.ToData().Values, Tolerance);
            else
                Compare($"{name}.down.{i}", skip);
        }

        Compare($"{name}.mid", residuals.Middle);
        var model = ModelFolder.Open(Fixtures.Path("models", "sdxl"));
        using var locked = model.OpenWeights("unet");
        using var unet = StateDict.Load(() => new UNet2DConditionModel(model.UNet), locked, ScalarType.Float32, CPU);
        Compare($"{name}.output", unet.Forward(sample, inputs, residuals));

        void Compare(string what, Tensor actual) => Close.Relative(reference.Doubles(what), actual.ToData().Values, Tolerance, what);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_attention_without_layers_is_norm_and_both_projections_added_to_its_input(bool linear)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var attention = RandomWeights.Fill(new SpatialTransformer(8, 2, 12, depth: 0, groups: 4, linear));
        var x = randn(2, 8, 5, 3);
        var parts = attention.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);

        var normed = nn.functional.group_norm(x, 4, parts["norm.weight"], parts["norm.bias"], 1e-6);
        var expected = Project("proj_out", Project("proj_in", normed)) + x;

        Assert.Equal(6, parts.Count);
        Close.Absolute<float, float>(expected.ToData().Values, attention.forward(x, randn(2, 7, 12)).ToData().Values, 1e-5, "attention");

        Tensor Project(string name, Tensor map) => einsum("oc,nchw->nohw", parts[name + ".weight"].reshape(8, 8), map) + parts[name + ".bias"].reshape(1, 8, 1, 1);
    }

    [Property(Arbitrary = [typeof(TinyUNet)], MaxTest = 60)]
    public void The_text_changes_the_residuals_exactly_if_a_layer_attends_to_it(TinyUNet tiny)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var config = Control(tiny.Config);
        using var network = RandomWeights.Fill(new ControlNetModel(config));
        var xl = tiny.Config.AdditionEmbedType is not null;
        var (sample, condition) = (randn(1, config.InChannels, 8, 8), rand(1, 3, 64, 64));
        var inputs = new UNetInputs(full(1, 123.5), randn(1, 4, 12), xl ? randn(1, 10) : null, xl ? rand(1, 6) : null, null);
        float[] Residuals(UNetInputs with)
        {
            var residuals = network.Forward(sample, with, network.EncodeCondition(condition));
            return [.. residuals.Skips.Append(residuals.Middle).SelectMany(residual => residual.ToData().Values)];
        }

        var (one, other) = (Residuals(inputs), Residuals(inputs with { Text = randn(1, 4, 12) }));

        Assert.Equal(config.AttendsToText, !one.AsSpan().SequenceEqual(other));
        Assert.All(one, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_plain_middle_is_one_resnet()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var resnet = RandomWeights.Fill(new ResnetBlock(8, 8, 6, 4, 1e-5, divisor: 1.5));
        using var middle = new MidBlock([resnet], null);
        var (x, time) = (randn(2, 8, 3, 4), randn(2, 6));
        Assert.Equal(resnet.forward(x, time).ToData().Values, middle.forward(x, time, randn(2, 5, 12)).ToData().Values);
        Assert.All(StateDict.Shapes(middle), entry => Assert.StartsWith("resnets.0.", entry.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void A_UNet_without_a_middle_hands_on_its_last_skip_tensor_and_takes_residuals_all_the_same()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var config = Tiny with { MidBlockType = null };
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(config));
        Assert.Equal(
            KeyMap.For(config).Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal), StateDict.Shapes(unet).Select(entry => entry.Name).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(StateDict.Shapes(unet), entry => entry.Name.StartsWith("mid_block.", StringComparison.Ordinal));
        var (sample, inputs) = (randn(1, 4, 8, 8), new UNetInputs(full(1, 10.0), randn(1, 4, 12), null, null, null));
        var encoded = unet.Encode(sample, inputs);
        Assert.Equal(encoded.Skips[^1].ToData().Values, encoded.Middle.ToData().Values);

        var residuals = new ControlResiduals([.. encoded.Skips.Select(skip => zeros_like(skip))], ones_like(encoded.Middle));

        Assert.NotEqual(unet.Forward(sample, inputs).ToData().Values, unet.Forward(sample, inputs, residuals).ToData().Values);
    }

    [Fact]
    public void There_is_no_control_network_without_a_middle() =>
        Assert.Contains(
            "'mid_block_type' is null, expected 'UNetMidBlock2DCrossAttn' or 'UNetMidBlock2D'",
            Assert.Throws<ControlNetException>(() => ControlNetConfig.FromUNet(Tiny with { MidBlockType = null }).Check()).Message,
            StringComparison.Ordinal);

    private static UNetConfig Tiny => new()
    {
        BlockOutChannels = [8, 16],
        DownBlockTypes = ["DownBlock2D", "CrossAttnDownBlock2D"],
        UpBlockTypes = ["CrossAttnUpBlock2D", "UpBlock2D"],
        TransformerLayersPerBlock = [0, 0],
        AttentionHeadDim = [2, 2],
        NormNumGroups = 4,
        CrossAttentionDim = 12,
    };

    private static ControlNetConfig Control(UNetConfig config) => ControlNetConfig.FromUNet(config) with { ConditioningEmbeddingOutChannels = [4, 4, 8, 8] };

    private static Tensor Read(ReferenceTensors reference, string name) => tensor(reference.Floats(name), [.. reference.Shape(name).Select(n => (long)n)]);
}
