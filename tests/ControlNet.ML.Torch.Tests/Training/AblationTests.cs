using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Weights;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>The paper's ablations.</summary>
public sealed class AblationTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    [Fact]
    public void Lite_is_trained_written_and_loaded_as_any_network()
    {
        var options = tiny.Options("lite") with { Ablation = Ablation.Lite, LearningRate = 3e-2 };
        var result = ControlNetTraining.Run(tiny.Model, tiny.Table, options);

        var history = TrainingHistory.Read(options.Folder);
        Assert.Equal(history.Convergence[0].Loss, history.Convergence[0].ExchangedLoss);
        Assert.NotEqual(0, history.Convergence[^1].Gap);
        Assert.True(ControlFolder.Open(result.Control).Config.Lite);
        using var network = ControlNetwork.Load(result.Control, new LoadOptions { Device = "cpu" });
        Assert.NotEqual(Draw(), Draw(new ControlInput(network, TinyRun.Images(0).Condition)));

        // Another run starts from it and takes its configuration.
        var next = tiny.Options("from-lite") with { InitialControl = result.Control, Steps = 1 };
        Assert.True(ControlFolder.Open(ControlNetTraining.Run(tiny.Model, tiny.Table, next).Control).Config.Lite);

        byte[] Draw(params ControlInput[] controls) =>
            [.. tiny.Model.Generate("square", controls, new() { Steps = 2, Width = 64, Height = 64 }).Image.Samples];
    }

    [Fact]
    public void Lite_has_one_convolution_for_each_residual_and_nothing_for_time_or_text()
    {
        var config = ControlNetConfig.FromUNet(tiny.Model.Folder.UNet) with { Lite = true };
        using var network = new ControlNetLiteModel(config);
        Assert.Equal(config.DownResiduals, network.Blocks.Count());
        Assert.DoesNotContain(network.named_parameters(), entry => entry.name.Contains("time", StringComparison.Ordinal) || entry.name.Contains("attn", StringComparison.Ordinal));
        Assert.Throws<ControlNetException>(() => KeyMap.For(config));
    }

    [Fact]
    public void Lite_keeps_its_name_and_diffusers_networks_keep_theirs()
    {
        foreach (var lite in (bool[])[false, true])
        {
            var config = ControlNetConfig.StableDiffusion15 with { Lite = lite };
            Assert.Contains(lite ? "\"ControlNetLiteModel\"" : "\"ControlNetModel\"", config.ToJson(), StringComparison.Ordinal);
            Assert.Equal(config, ControlNetConfig.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJson()), "config.json"));
        }
    }

    [Property(MaxTest = 5)]
    public void Zero_convolutions_begin_with_nothing_and_gaussian_ones_with_noise(byte seed)
    {
        using var scope = NewDisposeScope();
        var unet = ((TorchBackend)tiny.Model.Backend).UNet;
        var config = ControlNetConfig.FromUNet(tiny.Model.Folder.UNet);
        foreach (var (lite, gaussian) in ((bool, bool)[])[(false, false), (false, true), (true, false)])
        {
            using var network = TrainedNetwork.FromUNet(config with { Lite = lite }, unet, TorchDevice.From(new LoadOptions { Device = "cpu" }), seed, gaussian);
            foreach (var convolution in network.ZeroConvolutions)
            {
                var weights = ControlGraph.Values(convolution.weight);
                Assert.All(ControlGraph.Values(convolution.bias), value => Assert.Equal(0, value));
                if (!gaussian)
                {
                    Assert.All(weights, value => Assert.Equal(0, value));
                    continue;
                }

                // The scale of activations is preserved: the squares over the inputs sum to one, within six standard deviations.
                var outputs = convolution.weight.shape[0];
                var spread = 6 * Math.Sqrt(2.0 / weights.Length);
                Assert.InRange(weights.Sum(value => value * value) / outputs, 1 - spread, 1 + spread);
            }
        }
    }
}
