namespace ControlNet.ML.Torch.Tests;

/// <summary>Weights stay in their files until a network is first used.</summary>
public sealed class LazyNetworkTests : IDisposable
{
    private static readonly LoadOptions OnCpu = new() { Device = "cpu" };
    private static readonly GenerateOptions Small = new() { Steps = 1, Width = 64, Height = 64 };

    private readonly TemporaryFolder _folder = new();

    private string Unet => _folder.File("model", "unet", "diffusion_pytorch_model.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_network_is_read_at_its_first_use_and_once()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        Assert.Equal(0, model.WeightCounters.Read);
        model.EncodeText("square");
        var text = model.WeightCounters.Read;
        model.Decode(TensorData.Zeros(1, 4, 8, 8));
        var autoencoder = model.WeightCounters.Read;
        model.Generate("square", Small, TestContext.Current.CancellationToken);
        var all = model.WeightCounters.Read;
        Assert.True(text > 0 && autoencoder > text && all > autoencoder, $"{text}, {autoencoder}, {all}");
        model.Generate("circle", Small, TestContext.Current.CancellationToken);
        Assert.Equal(all, model.WeightCounters.Read);
    }

    [Fact]
    public void Preloading_reads_all_and_reports_how_far_it_is()
    {
        List<double> told = [];
        using var model = DiffusionModel.Load(
            Fixtures.Path("models", "sd1"), OnCpu with { Preload = true, Progress = new Told<double>(told.Add) }, TestContext.Current.CancellationToken);
        var read = model.WeightCounters.Read;
        Assert.Equal(told.Order(), told);
        Assert.Equal(read + 1, told.Count);
        Assert.Equal(1, told[^1]);
        model.Generate("square", Small, TestContext.Current.CancellationToken);
        Assert.Equal(read, model.WeightCounters.Read);
    }

    [Fact]
    public void Images_are_the_same_whenever_the_weights_are_read()
    {
        using var early = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { Preload = true });
        using var late = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        Assert.Equal(
            early.Generate("square", Small, TestContext.Current.CancellationToken).Pixels.Values,
            late.Generate("square", Small, TestContext.Current.CancellationToken).Pixels.Values);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_file_that_is_overwritten_before_it_is_read_is_an_error(bool isShorter)
    {
        _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        using var model = DiffusionModel.Load(_folder.File("model"), OnCpu);
        using (var file = new FileStream(Unet, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            if (isShorter)
                file.SetLength(100);
            else
                file.Write([1]);
        }

        File.SetLastWriteTimeUtc(Unet, DateTime.UtcNow.AddSeconds(5));
        var error = Assert.Throws<ControlNetException>(() => model.Generate("square", Small, TestContext.Current.CancellationToken));
        Assert.Contains("diffusion_pytorch_model.safetensors: was overwritten", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_replaced_by_another_is_read_as_it_was()
    {
        _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        using var model = DiffusionModel.Load(_folder.File("model"), OnCpu);
        if (OperatingSystem.IsWindows())
            return; // A mapped file cannot be replaced there.
        File.WriteAllBytes(Unet + ".new", [0]);
        File.Move(Unet + ".new", Unet, overwrite: true);
        model.Generate("square", Small, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Reading_can_be_cancelled_and_begun_again()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.Backend.Read(ModelParts.All, cancelled.Token));
        Assert.Equal(0, model.WeightCounters.Read);
        model.Generate("square", Small, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Threads_that_use_a_network_first_together_read_it_once()
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu);
        using var once = DiffusionModel.Load(Fixtures.Path("models", "sd1"), OnCpu with { Preload = true });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => model.Backend.Read(ModelParts.All, CancellationToken.None))));
        Assert.Equal(once.WeightCounters.Read, model.WeightCounters.Read);
    }

    private sealed class Told<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
