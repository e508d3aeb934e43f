using ControlNet.ML.Hub;

namespace ControlNet.ML.Tests.Hub;

/// <summary>A hub on this computer and an empty cache. Pauses between attempts take no time: the clock runs ahead.</summary>
public abstract class HubTestBase : IDisposable
{
    private protected const string Id = HubServer.Repository;

    private protected HubServer Server { get; } = new();

    private protected TemporaryFolder Folder { get; } = new();

    private protected string CacheFolder => Folder.File("hub");

    private protected HurriedClock Clock { get; } = new();

    private protected HubOptions Hub => new() { Endpoint = Server.Address, CacheFolder = CacheFolder, Clock = Clock, Timeout = TimeSpan.FromSeconds(20) };

    private protected LoadOptions Load => new() { Hub = Hub };

    public void Dispose()
    {
        Server.Dispose();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected Task<string> DownloadAsync(string id = Id, LoadOptions? options = null, IProgress<HubProgress>? progress = null) =>
        ModelHub.DownloadAsync(id, options ?? Load, progress, Cancel);

    private protected async Task<string> FailureAsync(string id = Id, LoadOptions? options = null) =>
        (await Assert.ThrowsAsync<ControlNetException>(() => DownloadAsync(id, options))).Message;

    /// <summary>A control network: its configuration in the repository itself, its weights in the storage.</summary>
    private protected byte[] AddControl(int length = 300_000)
    {
        var weights = new byte[length];
        new Random(1).NextBytes(weights);
        Server.Add("config.json", "{}");
        Server.Add("diffusion_pytorch_model.safetensors", weights);
        return weights;
    }

    private protected string Blob(byte[] content, bool isLarge = true) =>
        Path.Combine(CacheFolder, "models--someone--some-model", "blobs", HubServer.ETag(content, isLarge));

    private protected string[] RequestsOf(string ending) => [.. Server.Requests.Where(request => request.Contains(ending, StringComparison.Ordinal))];
}

/// <summary>A clock whose timers are due at once, and which tells how long they would have been.</summary>
internal sealed class HurriedClock : TimeProvider
{
    public List<TimeSpan> Pauses { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > TimeSpan.Zero)
            Pauses.Add(dueTime);
        return System.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
