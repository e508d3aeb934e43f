using ControlNet.ML.Imaging;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>A model that several threads use, and previews that others interrupt: the images stay what they are alone.</summary>
public sealed class SharedModelTests : IDisposable
{
    private static readonly GenerateOptions Options = new() { Steps = 6, Width = 64, Height = 64, Scheduler = "euler-ancestral" };

    private readonly DiffusionModel _model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" });
    private readonly ControlNetwork _control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });

    private ControlInput Control => new(_control, new ImageBuffer(64, 64, 3, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i * 7))]));

    public void Dispose()
    {
        _model.Dispose();
        _control.Dispose();
    }

    [Fact]
    public void Threads_take_turns()
    {
        ulong[] seeds = [1, 2, 3, 4, 5, 6];
        var alone = seeds.Select(seed => _model.Generate("square", [Control], Options with { Seed = seed }).Latents.Values).ToArray();
        var together = new float[seeds.Length][];
        Parallel.For(0, seeds.Length, i => together[i] = _model.Generate("square", [Control], Options with { Seed = seeds[i] }).Latents.Values);
        Assert.Equal(alone, together);
    }

    [Fact]
    public async Task Previews_may_alternate_with_each_other_and_with_whole_images()
    {
        var alone = new[] { 1UL, 2UL }.Select(seed => _model.Generate("square", [Control], Options with { Seed = seed }).Latents.Values).ToArray();
        var first = _model.GenerateSteps("square", [Control], Options with { Seed = 1 }).GetAsyncEnumerator();
        var second = _model.GenerateSteps("square", [Control], Options with { Seed = 2 }).GetAsyncEnumerator();
        var last = new float[2][];
        while (await first.MoveNextAsync() && await second.MoveNextAsync())
        {
            last = [[.. first.Current.Latents.Values], [.. second.Current.Latents.Values]];
            _model.Generate("circle", Options with { Steps = 1 });
        }

        await first.DisposeAsync();
        await second.DisposeAsync();
        Assert.Equal(alone, last);
    }
}
