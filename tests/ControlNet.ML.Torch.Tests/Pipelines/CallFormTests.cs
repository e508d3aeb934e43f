using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Tests.Training;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>The forms in which programs call a model: with and without await, with null, with conditions as images or as values.</summary>
public sealed class CallFormTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    private static readonly LoadOptions OnCpu = new() { Device = "cpu" };
    private static readonly GenerateOptions Few = new() { Steps = 2, Width = 64, Height = 64, Seed = 3 };

    [Fact]
    public async Task Awaiting_gives_what_waiting_gives()
    {
        using var model = await DiffusionModel.LoadAsync(Fixtures.Path("models", "sd1"), OnCpu);
        using var control = await ControlNetwork.LoadAsync(Fixtures.Path("models", "sd1-control-a"), OnCpu);
        ControlInput[] controls = [new ControlInput(control, TinyRun.Images(0).Condition)];

        Assert.Equal(model.Generate("square", Few).Image.Samples, (await model.GenerateAsync("square", Few)).Image.Samples);
        var controlled = model.Generate("square", controls, Few).Image.Samples;
        Assert.Equal(controlled, (await model.GenerateAsync("square", controls, Few)).Image.Samples);
        Assert.Equal(controlled, Assert.Single(await model.GenerateBatchAsync([new GenerateRequest("square", controls, Few)])).Image.Samples);
    }

    [Fact]
    public async Task Errors_and_cancellation_reach_who_awaits()
    {
        await Assert.ThrowsAsync<ControlNetException>(() => DiffusionModel.LoadAsync("no-such-model", OnCpu));
        await Assert.ThrowsAsync<ControlNetException>(() => ControlNetwork.LoadAsync("no-such-network", OnCpu));
        await Assert.ThrowsAsync<ArgumentException>(() => tiny.Model.GenerateAsync("square", Few with { Width = 63 }));
        using var stop = new CancellationTokenSource();
        var work = tiny.Model.GenerateAsync("square", Few with { Steps = 500, Progress = new Stopping(stop) }, stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
    }

    [Fact]
    public async Task Null_means_no_controls_and_the_default_options()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        Assert.ThrowsAny<OperationCanceledException>(() => tiny.Model.Generate("square", null, stop.Token));
        Assert.Equal(tiny.Model.Generate("square", Few).Image.Samples, tiny.Model.Generate("square", null, Few).Image.Samples);
        Assert.Equal(tiny.Model.Generate("square", []).Image.Samples, tiny.Model.Generate("square", null).Image.Samples);
        Assert.Equal(tiny.Model.Generate("square").Image.Samples, (await tiny.Model.GenerateAsync("square", null)).Image.Samples);
    }

    [Fact]
    public void A_condition_or_initial_image_as_values_is_the_same_as_the_image()
    {
        using var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu);
        var (photo, condition) = (TinyRun.Images(0).Image, TinyRun.Images(0).Condition);
        Assert.Equal(control.Encode(condition).Values, control.Encode(TensorImages.ToUnit(condition)).Values);

        var asImages = tiny.Model.Generate("square", [new ControlInput(control, condition)], Few with { Image = new ImageInput(photo) });
        var asValues = tiny.Model.Generate(
            "square", [new ControlInput(control, TensorImages.ToUnit(condition))], Few with { Image = new ImageInput(TensorImages.ToUnit(photo)) });
        Assert.Equal(asImages.Image.Samples, asValues.Image.Samples);

        foreach (var wrong in new[] { TensorData.Zeros(3, 64, 64), TensorData.Zeros(1, 1, 64, 64), TensorData.Zeros(1, 3, 0, 64) })
            Assert.Contains("expected [1, 3, height, width]", Assert.Throws<ArgumentException>(() => control.Encode(wrong)).Message, StringComparison.Ordinal);
    }

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => stop.Cancel();
    }
}
