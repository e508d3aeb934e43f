using System.Text.Json;
using ControlNet.ML.EmojiTraining.Baselines;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Tests;

/// <summary>The paper's baselines on the embedded model, with a data set of two drawn discs.</summary>
public sealed class BaselineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _data;

    public BaselineTests()
    {
        _data = _folder.File("data");
        Directory.CreateDirectory(_data);
        using var metadata = new StreamWriter(Path.Combine(_data, "metadata.jsonl"));
        foreach (var row in Enumerable.Range(0, 2))
        {
            var (image, edges) = (new ImageBuffer(128, 128, 3), new ImageBuffer(128, 128, 1));
            image.Samples.AsSpan(0, 9000 * (row + 1)).Fill(200);
            edges.Samples.AsSpan(3000 * (row + 1), 128).Fill(255);
            ImageCodec.SavePng(Path.Combine(_data, $"{row}.png"), image);
            ImageCodec.SavePng(Path.Combine(_data, $"{row}-edges.png"), edges);
            metadata.WriteLine(JsonSerializer.Serialize(new { file_name = $"{row}.png", conditioning_image = $"{row}-edges.png", text = "disc" }));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("sketch-guided", "sketch-guided-1.6", "sketch-guided-3.2"), InlineData("piti", "piti")]
    public async Task A_baseline_writes_an_image_for_each_row(string name, params string[] folders)
    {
        var output = _folder.File("images");
        Assert.Equal(0, await BaselineCommand.Create().Parse(
            [name, "--data", _data, "--held-out", _data, "--output", output, "--steps", "3", "--denoising-steps", "2"]).InvokeAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(folders, Directory.GetDirectories(output).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal));
        foreach (var folder in folders)
            Assert.Equal(["128x128x3", "128x128x3"], new[] { "0.png", "1.png" }.Select(file => ImageCodec.Load(Path.Combine(output, folder, file)).ToString()));
    }

    [Fact]
    public void Guidance_moves_the_image_towards_the_edges_and_none_leaves_it_as_the_model_makes_it()
    {
        using var model = new FrozenBase(TestContext.Current.CancellationToken);
        var scenes = new BaseScenes(model, _data);
        using var predictor = EdgePredictorTraining.Run(model, scenes, 8, seed: 1, null, TestContext.Current.CancellationToken);
        var (text, edges, noise) = (scenes.Text(0), scenes.ConditionLatents(0), model.Noise(3, 128));
        TensorData Draw(double beta) => new SketchGuidance(model, predictor, beta).Run(text, edges, noise, steps: 4, guidance: 2);

        using var plain = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" });
        var own = plain.Generate(scenes.Prompt(0), new GenerateOptions { Steps = 4, Guidance = 2, Seed = 3 }).Latents;
        var free = Draw(0);
        Close.Absolute<float, float>(own.Values, free.Values, 1e-3, "latents");
        Assert.True(Distance(Draw(1.6)) < Distance(free), "guidance does not bring the predicted edges nearer");

        double Distance(TensorData latents)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (_, features) = new UNetFeatures(model.UNet, model.Folder.UNet).Run(
                latents.ToTorch(ScalarType.Float32, CPU), new UNetInputs(zeros(1), text.ToTorch(ScalarType.Float32, CPU)));
            return (predictor.forward(features, model.Levels([0])) - edges.ToTorch(ScalarType.Float32, CPU)).square().mean().ToData().Values[0];
        }
    }

    [Fact]
    public void Training_brings_the_edge_predictor_s_loss_down_and_leaves_the_base_as_it_is()
    {
        using var model = new FrozenBase(TestContext.Current.CancellationToken);
        var before = model.UNet.conv_out.weight.ToData().Values;
        List<double> losses = [];
        using var predictor = EdgePredictorTraining.Run(model, new BaseScenes(model, _data), 30, seed: 1, new Listed(losses), TestContext.Current.CancellationToken);
        Assert.True(losses[^1] < 0.85 * losses[0], string.Join(", ", losses));
        Assert.Equal(before, model.UNet.conv_out.weight.ToData().Values);
    }

    private sealed class Listed(List<double> losses) : IProgress<TrainedStep>
    {
        public void Report(TrainedStep value) => losses.Add(value.Loss);
    }
}
