using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>Models and control networks of graphs are recognised by their files and load without any options.</summary>
public sealed class LoadingTests(OnnxLayouts layouts) : IClassFixture<OnnxLayouts>
{
    private string Controlled => layouts.Of(
        "controlled", ("sd1", ""), ("sd1-control-named", "controlnet"), ("sd1-control-named", "canny"));

    [Fact]
    public void A_folder_of_graphs_and_the_file_of_a_control_network_simply_work()
    {
        List<double> progress = [];
        using var model = DiffusionModel.Load(Controlled, new LoadOptions { Progress = new Listed(progress) });
        using var control = ControlNetwork.Load(Path.Combine(Controlled, "canny", "model.onnx"));
        Assert.Equal("onnx cpu", model.Backend.Description);
        Assert.Equal([.. progress.Order()], progress);
        Assert.Equal(1, progress[^1]);

        var options = new GenerateOptions { Steps = 1, Width = 64, Height = 64, Seed = 5 };
        var condition = new ImageBuffer(64, 64, 3);
        condition.Samples.AsSpan(0, 3000).Fill(255);
        var plain = model.Generate("red apple", options);
        var guided = model.Generate("red apple", [new ControlInput(control, condition)], options);
        Assert.NotEqual(plain.Image.Samples.ToArray(), guided.Image.Samples.ToArray());

        // The UNet that takes residuals, which is loaded now, gives the same image without any.
        var again = model.Generate("red apple", options);
        Close.Absolute<float, float>(plain.Pixels.Values, again.Pixels.Values, 1e-4, "image");
    }

    [Fact]
    public void A_missing_provider_is_named_for_weights_before_they_are_exported()
    {
        using var cache = new TemporaryFolder();
        using var elsewhere = new CacheVariable(cache.Path);
        var name = OperatingSystem.IsMacOS() ? "directml" : "coreml";
        var options = new LoadOptions { Backend = new OnnxBackendProvider(), Device = name };
        var (model, control) = (Fixtures.Path("models", "sd1"), Fixtures.Path("models", "sd1-control-a"));
        Assert.StartsWith($"{model} cannot be run on {name}: ", Assert.Throws<ControlNetException>(() => DiffusionModel.Load(model, options)).Message, StringComparison.Ordinal);
        Assert.StartsWith("sd1-control-a/", Assert.Throws<ControlNetException>(() => ControlNetwork.Load(control, options)).Message, StringComparison.Ordinal);

        Assert.False(Directory.Exists(cache.File("scratch")));
    }

    [Fact]
    public void Weights_are_exported_for_the_time_that_they_are_loaded()
    {
        using var cache = new TemporaryFolder();
        using var elsewhere = new CacheVariable(cache.Path);
        List<double> progress = [];
        var options = new LoadOptions { Backend = new OnnxBackendProvider(), Progress = new Listed(progress) };
        var (settings, condition) = (new GenerateOptions { Steps = 1, Width = 64, Height = 64, Seed = 5 }, new ImageBuffer(64, 64, 3));
        condition.Samples.AsSpan(0, 3000).Fill(255);
        float[] exported;
        using (var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), options))
        using (var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), options with { Progress = null }))
        {
            Assert.Equal([.. progress.Order()], progress);
            Assert.Equal(1, progress[^1]);
            exported = model.Generate("red apple", [new ControlInput(control, condition)], settings).Pixels.Values;
            Assert.Contains(Fixtures.Path("models", "sd1"), Assert.Throws<ControlNetException>(() => model.Backend.SetTokenVectors(0, 1, TensorData.Zeros(1, 16))).Message, StringComparison.Ordinal);
            Assert.Equal(2, Scratch().Length);
        }

        Assert.Empty(Scratch());
        using var graphs = DiffusionModel.Load(Controlled);
        using var network = ControlNetwork.Load(Path.Combine(Controlled, "canny", "model.onnx"));
        Close.Absolute<float, float>(
            graphs.Generate("red apple", [new ControlInput(network, condition)], settings).Pixels.Values, exported, 1e-4, "image");

        using var whole = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), options with { Progress = null });
        using var encoder = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), options with { Progress = null, ConditionEncoderOnly = true });
        Assert.Equal(whole.Encode(condition).Values, encoder.Encode(condition).Values);

        string[] Scratch() => Directory.GetDirectories(cache.File("scratch"));
    }

    [Fact]
    public void Configurations_are_read_from_graphs_that_have_none()
    {
        var folder = ModelFolder.Open(layouts.Of("sd1-script"));
        var written = ModelFolder.Open(layouts.Of("sd1"));
        Assert.Equal(written.UNet.BlockOutChannels, folder.UNet.BlockOutChannels);
        Assert.Equal(written.UNet.LayersPerBlock, folder.UNet.LayersPerBlock);
        Assert.Equal(written.UNet.CrossAttentionDim, folder.UNet.CrossAttentionDim);
        Assert.Equal(written.UNet.InChannels, folder.UNet.InChannels);
        Assert.Equal(written.TextEncoder.HiddenSize, folder.TextEncoder.HiddenSize);
        Assert.Equal(written.TextEncoder.VocabSize, folder.TextEncoder.VocabSize);
        Assert.Equal(written.Autoencoder.ScalingFactor, folder.Autoencoder.ScalingFactor);
        Assert.Equal(written.Autoencoder.ScaleFactor, folder.Autoencoder.ScaleFactor);
        Assert.Contains(folder.Warnings, warning => warning.Contains("not reproducible", StringComparison.Ordinal));
        Assert.DoesNotContain(written.Warnings, warning => warning.Contains("not reproducible", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sd1-control-named", "canny", "sd1-control-a")]
    [InlineData("sd1-control-positional", "controlnet", "sd1-control-a")]
    [InlineData("sdxl-control-named", "canny", "sdxl-control-a")]
    public void The_configuration_of_a_control_network_is_read_from_its_graph(string layout, string part, string weights)
    {
        using var control = ControlNetwork.Load(
            Path.Combine(layouts.Of(layout), part), new LoadOptions { ConditionEncoderOnly = true });
        var expected = ControlFolder.Open(Fixtures.Path("models", weights)).Config;
        Assert.Equal(expected.BlockOutChannels, control.Config.BlockOutChannels);
        Assert.Equal(expected.LayersPerBlock, control.Config.LayersPerBlock);
        Assert.Equal(expected.CrossAttentionDim, control.Config.CrossAttentionDim);
        Assert.Equal(expected.AdditionEmbedType, control.Config.AdditionEmbedType);

        // Its encoder is inside: the condition itself is the hint.
        Assert.Equal([1, 3, 64, 32], control.Backend.HintShape(32, 64));
        Assert.Equal([1, 3, 64, 32], control.Encode(new ImageBuffer(32, 64, 3)).Shape.ToArray());
    }

    [Fact]
    public void The_residuals_of_a_graph_are_those_of_the_network()
    {
        using var control = ControlNetwork.Load(
            Path.Combine(Controlled, "canny"), new LoadOptions { Backend = new OnnxBackendProvider { Session = PipelineModels.Session } });
        var modules = new ReferenceTensors(Fixtures.Path("modules", "sd1-unet.safetensors"));
        TensorData First(string name) => new(
            [.. modules.Floats(name).Take(modules.Floats(name).Length / modules.Shape(name)[0])], [1, .. modules.Shape(name)[1..]]);
        var residuals = control.Backend.Residuals(
            First("sample"),
            modules.Doubles("timestep")[0],
            new Diffusion.DenoiserInputs { Text = First("encoder_hidden_states") },
            control.Encode(First("a.condition")));
        const double scale = 0.8;
        for (var i = 0; i < residuals.Count; i++)
        {
            var name = i < residuals.Count - 1 ? $"a.down.{i}" : "a.mid";
            Close.Relative(
                [.. First(name).Values.Select(value => value / scale)], residuals[i].Values, 2e-5, name);
        }
    }

    [Fact]
    public void Files_and_lengths_of_a_part_are_those_of_its_graphs_and_their_weights()
    {
        var folder = ModelFolder.Open(Controlled);
        Assert.Equal(
            ["controlnet/model.onnx", "controlnet/model.onnx.data", "unet/model.onnx", "unet/model.onnx_data"],
            folder.PartFiles("unet").Select(file => Path.GetRelativePath(Controlled, file).Replace('\\', '/')));
        Assert.Equal(["vae_decoder", "vae_encoder"], folder.PartFiles("vae").Select(file => Path.GetFileName(Path.GetDirectoryName(file)!)));
    }

    private sealed class Listed(List<double> values) : IProgress<double>
    {
        public void Report(double value) => values.Add(value);
    }

    /// <summary>Sets the folder for temporary files, for one test.</summary>
    private sealed class CacheVariable : IDisposable
    {
        private const string Name = "CONTROLNET_CACHE";
        private readonly string? _before = Environment.GetEnvironmentVariable(Name);

        public CacheVariable(string folder) => Environment.SetEnvironmentVariable(Name, folder);

        public void Dispose() => Environment.SetEnvironmentVariable(Name, _before);
    }
}
