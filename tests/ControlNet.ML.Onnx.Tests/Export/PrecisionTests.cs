using ControlNet.ML.Weights;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>Graphs with float16 and 8-bit weights, within stated bounds of float32.</summary>
public sealed class PrecisionTests : IDisposable
{
    // The bounds of tiny random networks, relative: twice what was measured. Channels of few weights round coarsely.
    private const double HalfBound = 5e-3, Int8Bound = 6e-2;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<bool, bool> Precisions() => new() { { true, false }, { false, true }, { true, true } };

    [Theory, MemberData(nameof(Precisions))]
    public void A_UNet_stays_close_to_float32(bool half, bool int8)
    {
        var reference = new ReferenceTensors(Fixtures.Path("modules", "sd1-unet.safetensors"));
        var model = ModelFolder.Open(Fixtures.Path("models", "sd1"));
        using var weights = model.OpenWeights("unet");
        var output = Run(
            weights,
            UNet2DConditionGraph.Build(model.UNet, Precision(half, int8), takesResiduals: false),
            GraphRun.Row("sample", reference.Floats("sample"), reference.Shape("sample"), 0),
            GraphRun.Row("encoder_hidden_states", reference.Floats("encoder_hidden_states"), reference.Shape("encoder_hidden_states"), 0),
            GraphRun.Floats("timestep", [reference.Floats("timestep")[0]]));
        Compare(GraphRun.RowOf(reference, "output", 0), output["out_sample"].Values, half, int8);
    }

    [Theory, MemberData(nameof(Precisions))]
    public void Text_encoder_and_decoder_stay_close_to_float32(bool half, bool int8)
    {
        var model = ModelFolder.Open(Fixtures.Path("models", "sdxl"));
        var text = new ReferenceTensors(Fixtures.Path("modules", "sdxl-text.safetensors"));
        using (var weights = model.OpenWeights("text_encoder_2"))
        {
            var encoded = Run(weights, ClipTextGraph.Build(model.TextEncoder2!, Precision(half, int8)), GraphRun.Integers("input_ids", text, "input_ids_2"));
            Compare(text.Doubles("text_embeds_2"), encoded["text_embeds"].Values, half, int8);
        }

        var images = new ReferenceTensors(Fixtures.Path("modules", "sdxl-vae.safetensors"));
        using var autoencoder = model.OpenWeights("vae");
        autoencoder.Keep(name => name.StartsWith("decoder.", StringComparison.Ordinal) || name.StartsWith("post_quant_conv.", StringComparison.Ordinal));
        var decoded = Run(autoencoder, AutoencoderDecoderGraph.Build(model.Autoencoder, Precision(half, int8)), GraphRun.Floats("latent_sample", images, "mean"));
        Compare(images.Doubles("decoded"), decoded["sample"].Values, half, int8);
    }

    [Fact]
    public void An_autoencoder_that_would_overflow_computes_in_float32()
    {
        var model = ModelFolder.Open(Fixtures.Path("models", "sd1"));
        var half = Precision(half: true, int8: false);
        Assert.True(model.Autoencoder.ForceUpcast);
        Assert.False(AutoencoderGraph.Of(model.Autoencoder, half).HalfCompute);
        Assert.True(AutoencoderGraph.Of(model.Autoencoder with { ForceUpcast = false }, half).HalfCompute);
        Assert.All(AutoencoderDecoderGraph.Build(model.Autoencoder, half).Weights, weight => Assert.Equal(WeightForm.Half, weight.Form));
    }

    [Fact]
    public void Only_linear_layers_and_convolutions_inside_have_8_bits()
    {
        var weights = UNet2DConditionGraph.Build(ModelFolder.Open(Fixtures.Path("models", "sd1")).UNet, Precision(half: false, int8: true), takesResiduals: false).Weights;
        var quantized = weights.Where(weight => weight.Form == WeightForm.Int8).Select(weight => weight.Parameter).ToHashSet();
        Assert.All(quantized, name => Assert.EndsWith(".weight", name, StringComparison.Ordinal));
        Assert.DoesNotContain(quantized, name => name.Contains("norm", StringComparison.Ordinal) || name is "conv_in.weight" or "conv_out.weight");
        Assert.Contains("down_blocks.0.resnets.0.conv1.weight", quantized);
        Assert.Contains("mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight", quantized);
        Assert.Equal(quantized, weights.Where(weight => weight.Form == WeightForm.Scale).Select(weight => weight.Parameter).ToHashSet());
    }

    private static GraphPrecision Precision(bool half, bool int8) => new OnnxExportOptions { Half = half, Int8 = int8 }.Precision;

    private static void Compare(double[] expected, float[] actual, bool half, bool int8) =>
        Close.Relative(expected, actual, int8 ? Int8Bound : HalfBound, $"half {half}, int8 {int8}");

    private Dictionary<string, (int[] Shape, float[] Values)> Run(WeightSource weights, NetworkGraph graph, params NamedOnnxValue[] inputs)
    {
        GraphRun.Write(_folder.Path, weights, ("model.onnx", graph));
        using var run = new GraphRun(_folder.File("model.onnx"));
        return run.Run(inputs);
    }
}
