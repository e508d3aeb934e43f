using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Tests.Adapters;
using ControlNet.ML.Torch.Tests.Training;
using Microsoft.ML;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests;

/// <summary>Tiling, low memory and the autoencoder's precision: the same images but for rounding, in less memory.</summary>
public sealed class MemoryOptionTests
{
    private static readonly LoadOptions OnCpu = new() { Device = "cpu" };
    private static readonly LoadOptions Sparing = OnCpu with { Tiling = true, LowMemory = true };
    private static readonly GenerateOptions Few = new() { Steps = 4, Width = 64, Height = 64, Seed = 3, Guidance = 5 };

    [Theory]
    [InlineData("sd1", ControlWeighting.Uniform, "")]
    [InlineData("sd1", ControlWeighting.GuessLogspace, "control=2")]
    [InlineData("sd1", ControlWeighting.Uniform, "features=2")]
    [InlineData("sdxl", ControlWeighting.Resolution, "control=2 guidance=0.5")]
    public void Images_are_those_of_whole_batches_but_for_rounding(string family, ControlWeighting weighting, string approximate)
    {
        var (whole, sparing) = (Images(OnCpu), Images(Sparing));
        Assert.Equal(whole.Count, sparing.Count);
        foreach (var (a, b) in whole.Zip(sparing))
            Close.Absolute(a.Pixels.Values.AsSpan(), b.Pixels.Values.AsSpan(), 1e-4, "pixels");
        Assert.NotEqual(whole[0].Pixels.Values, whole[1].Pixels.Values);

        IReadOnlyList<GeneratedImage> Images(LoadOptions options)
        {
            using var model = DiffusionModel.Load(Fixtures.Path("models", family), options);
            using var network = ControlNetwork.Load(Fixtures.Path("models", family + "-control-a"), options);
            var (photo, condition) = (TinyRun.Images(0).Image, TinyRun.Images(0).Condition);

            // The second image has no control after half of the steps.
            var each = Few with { Approximation = Approximation.Parse(approximate.Split(' ', StringSplitOptions.RemoveEmptyEntries)) };
            var unit = new ControlUnit { Weighting = weighting };
            return model.GenerateBatch(
            [
                new GenerateRequest("square", [new ControlInput(network, condition) { Unit = unit }], each with { Image = new ImageInput(photo) }),
                new GenerateRequest("circle", [new ControlInput(network, condition) { Unit = unit with { End = 0.5 } }], each with { Seed = 4, Image = new ImageInput(photo) }),
            ]);
        }
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Rows_without_control_networks_are_computed_without_them(int interval)
    {
        using var whole = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        using var sparing = DiffusionModel.Load(Fixtures.Path("models", "sd1"), Sparing);
        using var network = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu);
        var text = Noise(2, 77, whole.Folder.UNet.CrossAttentionDim);
        var hint = network.Encode(TinyRun.Images(0).Condition);
        var inputs = new DenoiserInputs
        {
            Text = text,
            Controls = [(network.Backend, new TensorData([.. hint.Values, .. hint.Values], [2, .. hint.Shape[1..]]))],
            Approximation = new() { ControlInterval = interval },
        };
        var scales = TensorData.Zeros(2, network.Config.DownResiduals + 1);
        scales.Row(1).Fill(0.5f);
        var reuse = interval > 1 ? StepReuse.Controls : StepReuse.None;

        var (expected, actual) = (Predict(whole), Predict(sparing));
        Close.Absolute(expected.Values.AsSpan(), actual.Values.AsSpan(), 1e-4, "prediction");

        TensorData Predict(DiffusionModel model)
        {
            using var denoiser = model.Backend.CreateDenoiser(inputs);
            var prediction = TensorData.Zeros(2, 4, 8, 8);
            denoiser.Predict(Noise(2, 4, 8, 8), 500, [new ControlStep(0, scales)], prediction);
            denoiser.Predict(Noise(2, 4, 8, 8), 300, reuse == StepReuse.None ? [new ControlStep(0, scales)] : [], reuse, prediction);
            return prediction;
        }
    }

    [Fact]
    public void Text_encoders_are_freed_while_images_are_denoised_and_read_again()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { LowMemory = true });
        model.EncodeText("square");
        var text = model.WeightCounters.Read;
        var first = model.Generate("square", Few);
        var all = model.WeightCounters.Read;
        Assert.Equal(first.Pixels.Values, model.Generate("square", Few).Pixels.Values);
        Assert.Equal(all + text, model.WeightCounters.Read);
    }

    [Fact]
    public void Text_encoders_with_LoRAs_stay()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { LowMemory = true });
        var adapted = Few with { Loras = AdapterFixtures.Loras("a-kohya:0.8") };
        var first = model.Generate("square", adapted);
        var read = model.WeightCounters.Read;
        Assert.Equal(first.Pixels.Values, model.Generate("square", adapted).Pixels.Values);
        Assert.NotEqual(first.Pixels.Values, model.Generate("square", Few).Pixels.Values);
        Assert.Equal(read, model.WeightCounters.Read);
    }

    [Fact]
    public void The_autoencoder_has_a_precision_of_its_own()
    {
        using var plain = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        using var half = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { VaePrecision = Precision.BFloat16 });
        Assert.Equal("torch cpu float32", plain.Backend.Description);
        Assert.Equal("torch cpu float32, autoencoder bfloat16", half.Backend.Description);

        var latents = Noise(1, 4, 8, 8);
        var (expected, actual) = (plain.Decode(latents).Values, half.Decode(latents).Values);
        Assert.NotEqual(expected, actual);
        Close.Absolute(expected.AsSpan(), actual.AsSpan(), 0.1, "pixels");

        var refused = Assert.Throws<ControlNetException>(
            () => DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { VaePrecision = Precision.Float16 }));
        Assert.StartsWith("The precision of the autoencoder is float16, in which this one overflows", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Precision.Float32, null, false)]
    [InlineData(Precision.BFloat16, null, false)]
    [InlineData(Precision.Auto, null, true)]
    [InlineData(Precision.Auto, Precision.Float32, false)]
    [InlineData(Precision.Float32, Precision.Auto, true)]
    public void An_automatic_precision_is_bfloat16_where_the_processor_has_instructions_for_it(Precision networks, Precision? own, bool isAutomatic)
    {
        TorchNative.EnsureLoaded();
        var options = OnCpu with { Precision = networks, VaePrecision = own };
        var expected = isAutomatic && Torch.Verification.ProcessorInfo.Current.HasBFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Assert.Equal(expected, TorchDevice.From(options).AutoencoderType(options, AutoencoderConfig.StableDiffusion15));
    }

    [Fact]
    public void Saved_stages_open_the_model_as_it_was_loaded()
    {
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable([new Row(0, "square")]);
        using var folder = new TemporaryFolder();
        var plain = Pixels(OnCpu, _ => { });
        var half = Pixels(Sparing with { VaePrecision = Precision.BFloat16 }, stage => ml.Model.Save(stage, data.Schema, folder.File("model.zip")));
        Assert.NotEqual(plain, half);

        var loaded = ml.Model.Load(folder.File("model.zip"), out _);
        using var opened = (IDisposable)loaded;
        Assert.Equal(half, Cells.Read(loaded.Transform(data), "Image")[0].Values);

        float[] Pixels(LoadOptions options, Action<ITransformer> save)
        {
            using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), options);
            var stage = ml.Transforms.ControlNet().Generate("Image", "Prompt", model, null, new() { Steps = 1, Width = 64, Height = 64 }).Fit(data);
            save(stage);
            return Cells.Read(stage.Transform(data), "Image")[0].Values;
        }
    }

    private sealed record Row(int Id, string Prompt);

    private static TensorData Noise(params ReadOnlySpan<int> shape)
    {
        var (data, random) = (TensorData.Zeros(shape), new Random(0));
        foreach (ref var value in data.Values.AsSpan())
            value = (random.NextSingle() * 2) - 1;
        return data;
    }
}
