using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Tests.Training;
using ControlNet.ML.Torch.Training;
using TorchSharp;

namespace ControlNet.ML.Torch.Tests;

/// <summary>Networks that are disposed of while they compute, and what is left of those that are gone.</summary>
public sealed class LifetimeTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    private static readonly LoadOptions OnCpu = new() { Device = "cpu" };

    [Fact]
    public void Loading_and_disposing_leaves_no_tensor()
    {
        Once();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Once();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        static void Once()
        {
            foreach (var precision in (Precision[])[Precision.Float32, Precision.BFloat16])
            {
                using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { Precision = precision });
                using var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu with { Precision = precision });
                using var encoder = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu with { Precision = precision, ConditionEncoderOnly = true });
                var condition = new ImageBuffer(64, 64, 3);
                encoder.Encode(condition);
                model.Generate("square", [new ControlInput(control, condition)], new GenerateOptions { Steps = 1, Width = 64, Height = 64 });
            }
        }
    }

    /// <summary>Freed memory under a running computation ends the process; an answer after a while says that nothing of the kind happens.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task Disposing_in_use_waits_for_the_step_and_ends_the_rest(bool ofControl)
    {
        for (var round = 0; round < 12; round++)
        {
            var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
            var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu);
            using var begun = new SemaphoreSlim(0);
            var work = Task.Run(() => model.Generate(
                "square",
                [new ControlInput(control, new ImageBuffer(64, 64, 3))],
                new GenerateOptions { Steps = 500, Width = 64, Height = 64, Progress = new Told<GenerationProgress>(_ => begun.Release()) }));
            for (var told = 0; told <= 3 + round && !work.IsCompleted; told++)
                await Task.WhenAny(begun.WaitAsync(), work);
            IDisposable first = ofControl ? control : model, second = ofControl ? model : control;

            first.Dispose();

            var error = await Assert.ThrowsAsync<ObjectDisposedException>(() => work);
            Assert.Equal(first.GetType().FullName, error.ObjectName);
            second.Dispose();
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Training_ends_when_its_model_is_disposed_of(bool decoderLearns)
    {
        var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        var options = tiny.Options($"lifetime-{decoderLearns}") with
        {
            Steps = 5,
            SdLocked = !decoderLearns,
            Progress = new Told<TrainingProgress>(progress =>
            {
                if (progress.Step == 2)
                    model.Dispose();
            }),
        };
        Assert.Equal(typeof(DiffusionModel).FullName, Assert.Throws<ObjectDisposedException>(() => ControlNetTraining.Run(model, tiny.Table, options)).ObjectName);
    }

    [Fact]
    public void What_is_disposed_of_says_so_whatever_is_asked()
    {
        var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), OnCpu);
        var text = model.EncodeText("square");
        var (latents, condition) = (TensorData.Zeros(1, 4, 8, 8), new ImageBuffer(64, 64, 3));
        var step = model.GenerateSteps("square", [], new GenerateOptions { Steps = 1, Width = 64, Height = 64 }).ToBlockingEnumerable().Single();
        model.Dispose();
        model.Dispose();
        control.Dispose();
        control.Dispose();

        foreach (var use in (Action[])[
            () => model.Generate("square"),
            () => model.GenerateBatch([new GenerateRequest("square", [], new GenerateOptions())]),
            () => Assert.Empty(model.GenerateSteps("square", []).ToBlockingEnumerable()),
            () => model.GenerateAsync("square").GetAwaiter().GetResult(),
            () => model.GenerateBatchAsync([new GenerateRequest("square", [], new GenerateOptions())]).GetAwaiter().GetResult(),
            () => step.Image(),
            () => model.EncodeText("square"),
            () => model.Encode(TensorData.Zeros(1, 3, 64, 64)),
            () => model.Decode(latents),
            () => control.Encode(condition),
            () => control.Encode(TensorData.Zeros(1, 3, 64, 64)),
            () => control.Residuals(latents, 500, text, condition),
        ])
        {
            Assert.Contains("ControlNet.ML.", Assert.Throws<ObjectDisposedException>(use).ObjectName, StringComparison.Ordinal);
        }
    }

    private sealed class Told<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
