using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>What the paper promises of zero convolutions and what shapes follow from a configuration, for arbitrary small networks.</summary>
[Properties(Arbitrary = [typeof(TinyUNet)], MaxTest = 30)]
public sealed class ControlPropertyTests
{
    private static readonly TorchDevice Cpu = new(CPU, ScalarType.Float32);

    public ControlPropertyTests() => TorchNative.EnsureLoaded();

    [Property]
    public void The_output_has_the_samples_size_and_the_configurations_channels(TinyUNet tiny)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(tiny.Config));

        var output = unet.Forward(Sample(tiny), Inputs(tiny));

        Assert.Equal([tiny.Batch, 4, tiny.Height, tiny.Width], output.shape);
        Assert.True(output.isfinite().all().item<bool>());
    }

    [Property]
    public void With_zero_convolutions_at_zero_the_controlled_network_is_the_locked_one_bit_for_bit(TinyUNet tiny, bool lite)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(tiny.Config));
        using var control = Network(tiny, lite);
        foreach (var convolution in control.ZeroConvolutions.OfType<ZeroConvolution>())
            convolution.SetToZero();
        var (sample, inputs) = (Sample(tiny), Inputs(tiny));

        var residuals = control.Forward(sample, Plain(inputs), control.EncodeCondition(Condition(tiny)));

        Assert.Equal(Bits(unet.Forward(sample, inputs)), Bits(unet.Forward(sample, inputs, residuals)));
    }

    [Property]
    public void Residuals_are_as_many_and_as_large_as_the_skip_tensors(TinyUNet tiny, bool lite)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var control = Network(tiny, lite);

        var residuals = control.Forward(Sample(tiny), Plain(Inputs(tiny)), control.EncodeCondition(Condition(tiny)));

        List<long[]> expected = [];
        long height = tiny.Height, width = tiny.Width;
        var channels = tiny.Config.BlockOutChannels;
        expected.Add([tiny.Batch, channels[0], height, width]);
        for (var level = 0; level < channels.Length; level++)
        {
            for (var layer = 0; layer < tiny.Config.LayersPerBlock; layer++)
                expected.Add([tiny.Batch, channels[level], height, width]);
            if (level < channels.Length - 1)
            {
                var rounding = tiny.Config.DownsamplePadding;
                (height, width) = ((height + rounding) / 2, (width + rounding) / 2);
                expected.Add([tiny.Batch, channels[level], height, width]);
            }
        }

        Assert.Equal(expected, residuals.Skips.Select(skip => skip.shape));
        Assert.Equal([tiny.Batch, channels[^1], height, width], residuals.Middle.shape);
        Assert.Equal(control.ResidualCount, residuals.Skips.Count + 1);
        Assert.Equal(control.ResidualCount, Control(tiny).DownResiduals + 1);
    }

    [Property]
    public void Scale_zero_is_no_control_and_the_order_of_networks_does_not_matter(TinyUNet tiny)
    {
        using var scope = NewDisposeScope();
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(tiny.Config));
        using var a = new TorchControlBackend(Control(tiny), RandomWeights.Fill(new ControlNetModel(Control(tiny))), Cpu);
        using var b = new TorchControlBackend(Control(tiny), RandomWeights.Fill(new ControlNetModel(Control(tiny))), Cpu);
        ((ControlNetModel)b.Network).controlnet_mid_block.SetToZero();
        TensorData Hint(IControlBackend network) => network.EncodeCondition(Condition(tiny).ToData());
        float[] Predict(params (IControlBackend Network, float Scale)[] controls)
        {
            using var denoiser = new TorchDenoiser(unet, new NetworkUse(typeof(DiffusionModel)), Cpu, Denoiser(tiny) with { Controls = [.. controls.Select(c => (c.Network, Hint(c.Network)))] });
            var prediction = TensorData.Zeros(tiny.Batch, 4, tiny.Height, tiny.Width);
            denoiser.Predict(
                Sample(tiny).ToData(), 500,
                [.. controls.Select((c, i) => new ControlStep(i, Scales(tiny, c.Scale))).Where(s => s.Scales.Values.AsSpan().ContainsAnyExcept(0f))],
                prediction);
            return prediction.Values;
        }

        Assert.Equal(Predict(), Predict((a, 0f)));
        Assert.NotEqual(Predict(), Predict((a, 1f)));
        Assert.Equal(Predict((a, 0.5f), (b, 0.75f)), Predict((b, 0.75f), (a, 0.5f)));
    }

    [Property]
    public void Rows_without_scale_are_as_if_there_were_no_network(TinyUNet tiny)
    {
        var two = tiny with { Batch = 2 };
        using var scope = NewDisposeScope();
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(tiny.Config));
        using var network = new TorchControlBackend(Control(two), RandomWeights.Fill(new ControlNetModel(Control(two))), Cpu);
        using var denoiser = new TorchDenoiser(
            unet, new NetworkUse(typeof(DiffusionModel)), Cpu, Denoiser(two) with { Controls = [(network, network.EncodeCondition(Condition(two).ToData()))] });
        TensorData Predict(params ControlStep[] steps)
        {
            var prediction = TensorData.Zeros(2, 4, two.Height, two.Width);
            denoiser.Predict(Sample(two).ToData(), 500, steps, prediction);
            return prediction;
        }

        var second = Scales(two, 1);
        second.Row(0).Clear();
        var (without, mixed, with) = (Predict(), Predict(new ControlStep(0, second)), Predict(new ControlStep(0, Scales(two, 1))));

        Close.Relative([.. without.Row(0).ToArray().Select(v => (double)v)], mixed.Row(0), 2e-5, "row without control");
        Close.Relative([.. with.Row(1).ToArray().Select(v => (double)v)], mixed.Row(1), 2e-5, "row with control");
    }

    [Property]
    public void What_a_step_takes_from_an_earlier_one_is_what_that_one_computed(TinyUNet tiny)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var unet = RandomWeights.Fill(new UNet2DConditionModel(tiny.Config));
        using var network = new TorchControlBackend(Control(tiny), RandomWeights.Fill(new ControlNetModel(Control(tiny))), Cpu);
        var hint = network.EncodeCondition(Condition(tiny).ToData());
        using var denoiser = new TorchDenoiser(unet, new NetworkUse(typeof(DiffusionModel)), Cpu, Denoiser(tiny) with
        {
            Controls = [(network, hint)],
            Approximation = new() { FeatureInterval = 2 },
        });
        ControlStep[] controls = [new(0, Scales(tiny, 0.75f))];
        var (first, second) = (Sample(tiny), Noise(tiny, 9, tiny.Batch, tiny.Config.InChannels, tiny.Height, tiny.Width));
        TensorData Predict(Tensor sample, double timestep, StepReuse reuse)
        {
            var prediction = TensorData.Zeros(tiny.Batch, 4, tiny.Height, tiny.Width);
            denoiser.Predict(sample.ToData(), timestep, controls, reuse, prediction);
            return prediction;
        }

        // On the same sample, everything that is taken is what would have been computed.
        var whole = Predict(first, 123.5, StepReuse.None);
        Assert.Equal(whole.Values, Predict(first, 123.5, StepReuse.Controls).Values);
        Assert.Equal(whole.Values, Predict(first, 123.5, StepReuse.Features | StepReuse.Controls).Values);

        // On another, the first one's residuals and features apply.
        var inputs = Inputs(tiny);
        var residuals = network.Network.Forward(first, inputs, hint.ToTorch(ScalarType.Float32, CPU)).Select((residual, _) => residual * 0.75f);
        Close.Relative(
            [.. unet.Forward(second, inputs, residuals).ToData().Values.Select(value => (double)value)], Predict(second, 123.5, StepReuse.Controls).Values, 2e-5, "residuals");
        using var features = new DeepFeatures();
        unet.Forward(second, inputs, residuals, features);
        Assert.Equal(Bits(unet.ForwardShallow(first, inputs, residuals, features)), Array.ConvertAll(Predict(first, 123.5, StepReuse.Features | StepReuse.Controls).Values, BitConverter.SingleToInt32Bits));
    }

    /// <summary>A network of random weights, the paper's or what it is compared with.</summary>
    private static IControlModel Network(TinyUNet tiny, bool lite) => lite && tiny.Config.DownsamplePadding == 1
        ? RandomWeights.Fill(new ControlNetLiteModel(Control(tiny) with { Lite = true }))
        : RandomWeights.Fill(new ControlNetModel(Control(tiny)));

    /// <summary>A control network has no guidance condition: its configuration knows none.</summary>
    private static UNetInputs Plain(UNetInputs inputs) => inputs with { GuidanceCondition = null };

    private static ControlNetConfig Control(TinyUNet tiny) =>
        ControlNetConfig.FromUNet(tiny.Config) with { ConditioningEmbeddingOutChannels = [4, 4, 8, 8] };

    private static int[] Bits(Tensor tensor) => [.. tensor.ToData().Values.Select(BitConverter.SingleToInt32Bits)];

    private static TensorData Scales(TinyUNet tiny, float scale)
    {
        var scales = TensorData.Zeros(tiny.Batch, Control(tiny).DownResiduals + 1);
        Array.Fill(scales.Values, scale);
        return scales;
    }

    private static Tensor Noise(TinyUNet tiny, int salt, params long[] shape)
    {
        using var generator = new Generator((ulong)((tiny.Seed * 10) + salt));
        return randn(shape, generator: generator);
    }

    private static Tensor Sample(TinyUNet tiny) => Noise(tiny, 1, tiny.Batch, tiny.Config.InChannels, tiny.Height, tiny.Width);

    private static Tensor Condition(TinyUNet tiny) => Noise(tiny, 2, tiny.Batch, 3, tiny.Height * 8, tiny.Width * 8).sigmoid();

    private static UNetInputs Inputs(TinyUNet tiny)
    {
        var data = Denoiser(tiny);
        Tensor? Up(TensorData? values) => values?.ToTorch(ScalarType.Float32, CPU);
        return new UNetInputs(full(tiny.Batch, 123.5), Up(data.Text)!, Up(data.PooledText), Up(data.TimeIds), Up(data.GuidanceCondition));
    }

    private static DenoiserInputs Denoiser(TinyUNet tiny)
    {
        var xl = tiny.Config.AdditionEmbedType is not null;
        return new DenoiserInputs
        {
            Text = Noise(tiny, 3, tiny.Batch, tiny.Tokens, 12).ToData(),
            PooledText = xl ? Noise(tiny, 4, tiny.Batch, 10).ToData() : null,
            TimeIds = xl ? Noise(tiny, 5, tiny.Batch, 6).abs().ToData() : null,
            GuidanceCondition = tiny.Config.TimeCondProjDim is null ? null : Noise(tiny, 6, tiny.Batch, 6).ToData(),
        };
    }
}
