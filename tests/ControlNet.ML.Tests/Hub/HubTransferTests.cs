using ControlNet.ML.Hub;

namespace ControlNet.ML.Tests.Hub;

/// <summary>What a hub and its storage do to a transfer.</summary>
public sealed class HubTransferTests : HubTestBase
{
    private const string Weights = "diffusion_pytorch_model.safetensors";

    [Fact]
    public async Task A_cut_connection_is_resumed_where_it_was_cut()
    {
        var content = AddControl();
        var cuts = 0;
        Server.Answer = request => request is { IsStorage: true } && cuts++ < 3
            ? Cut(content, request, 100_000)
            : null;
        var folder = await DownloadAsync();
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
        Assert.Equal([0, 100_000, 200_000], RequestsOf("storage").Select(request => request.Contains("from", StringComparison.Ordinal) ? int.Parse(request.Split(' ')[^1], null) : 0));
    }

    [Fact]
    public async Task A_killed_download_is_resumed_by_the_next_one()
    {
        var content = AddControl();
        using var stop = new CancellationTokenSource();
        var progress = new Reports(report =>
        {
            if (report.Done > 100_000)
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ModelHub.DownloadAsync(Id, Load, progress, stop.Token));
        Assert.Null(ModelHub.FindCached(Id, Load));
        var kept = new FileInfo(Blob(content) + ".incomplete").Length;
        Assert.InRange(kept, 100_000, 299_999);

        var folder = await DownloadAsync();
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
        Assert.EndsWith($"from {kept}", RequestsOf("storage")[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(Blob(content) + ".incomplete"));
    }

    [Fact]
    public async Task A_damaged_leftover_is_replaced()
    {
        var content = AddControl();
        Directory.CreateDirectory(Path.GetDirectoryName(Blob(content))!);
        await File.WriteAllBytesAsync(Blob(content) + ".incomplete", new byte[1000], Cancel);
        var folder = await DownloadAsync();
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
    }

    [Theory, InlineData(Weights), InlineData("config.json")]
    public async Task A_wrong_content_is_discarded(string file)
    {
        var content = AddControl();
        Server.Answer = request => request.Method == "GET" && request.Path.Contains(file, StringComparison.Ordinal) && (request.IsStorage || file != Weights)
            ? new HubAnswer(200, new byte[file == Weights ? content.Length : 2])
            : null;
        var message = await FailureAsync();
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.Contains(file == Weights ? "SHA-256" : "git SHA-1", message, StringComparison.Ordinal);
        Assert.False(File.Exists(Blob(content)));
        Assert.Null(ModelHub.FindCached(Id, Load));
    }

    [Fact]
    public async Task A_storage_that_does_not_resume_is_read_from_the_start()
    {
        var content = AddControl();
        var isFirst = true;
        Server.Answer = request =>
        {
            if (!request.IsStorage)
                return null;
            var cut = isFirst ? 100_000 : (int?)null;
            isFirst = false;
            return new HubAnswer(200, content) { CutAfter = cut };
        };
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(await DownloadAsync(), Weights), Cancel));
    }

    [Fact]
    public async Task A_busy_hub_is_asked_again_after_the_pause_that_it_names()
    {
        AddControl();
        var refusals = 0;
        Server.Answer = request => !request.IsStorage && refusals++ < 2
            ? new HubAnswer(429, []) { Headers = { ["Retry-After"] = "37" } }
            : null;
        await DownloadAsync();
        Assert.Equal(2, Clock.Pauses.Count(pause => pause == TimeSpan.FromSeconds(37)));
    }

    [Fact]
    public async Task A_failing_hub_is_given_up_after_growing_pauses()
    {
        AddControl();
        Server.Answer = _ => new HubAnswer(503, []);
        Assert.Contains("the server answers with 503", await FailureAsync(), StringComparison.Ordinal);
        Assert.Equal([1, 2, 4, 8, 16], Clock.Pauses.Select(pause => pause.TotalSeconds));
        Assert.Equal(6, Server.Requests.Count);
    }

    [Fact]
    public async Task A_pause_of_hours_is_not_waited_for()
    {
        AddControl();
        Server.Answer = _ => new HubAnswer(429, []) { Headers = { ["Retry-After"] = "7200" } };
        Assert.Contains("asks to wait 7,200 seconds", await FailureAsync(), StringComparison.Ordinal);
        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task A_silent_server_is_left_and_asked_for_the_rest()
    {
        var content = AddControl();
        var isFirst = true;
        Server.Answer = request =>
        {
            if (!request.IsStorage || !isFirst)
                return null;
            isFirst = false;
            return Cut(content, request, 50_000) with { IsSlow = true };
        };
        var folder = await DownloadAsync(options: Load with { Hub = Hub with { Timeout = TimeSpan.FromSeconds(2) } });
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
        Assert.EndsWith("from 50000", RequestsOf("storage")[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_free_space_is_checked_before_anything_large_is_fetched()
    {
        AddControl();
        var message = await FailureAsync(options: Load with { Hub = Hub with { FreeSpace = _ => 200_000 } });
        Assert.Contains("needs 0.3 MB, and 0.2 MB are free", message, StringComparison.Ordinal);
        Assert.Empty(RequestsOf("storage"));
    }

    [Fact]
    public async Task Several_downloads_at_once_transfer_each_content_once()
    {
        var content = AddControl(3_000_000);
        var folders = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => DownloadAsync())));
        Assert.Single(folders.Distinct());
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folders[0], Weights), Cancel));
        Assert.Single(RequestsOf("storage"));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_named()
    {
        AddControl();
        Folder.Write("hub", [1]);
        Assert.StartsWith($"{CacheFolder}: the hub's cache cannot be written: ", await FailureAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_counts_the_bytes_of_all_files()
    {
        AddControl();
        var reports = new List<HubProgress>();
        await DownloadAsync(progress: new Reports(reports.Add));
        Assert.All(reports, report => Assert.Equal(300_002, report.Total));
        Assert.Equal(reports.Select(report => report.Done).Order(), reports.Select(report => report.Done));
        Assert.Equal(300_002, reports[^1].Done);
        Assert.Equal(["config.json", Weights], reports.Select(report => report.File).Distinct());
    }

    private static HubAnswer Cut(byte[] content, HubRequest request, int after)
    {
        var rest = content[(int)request.From..];
        return new HubAnswer(request.From == 0 ? 200 : 206, rest)
        {
            CutAfter = Math.Min(after, rest.Length),
            Headers = request.From == 0 ? [] : new() { ["Content-Range"] = $"bytes {request.From}-{content.Length - 1}/{content.Length}" },
        };
    }

    private sealed class Reports(Action<HubProgress> report) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => report(value);
    }
}
