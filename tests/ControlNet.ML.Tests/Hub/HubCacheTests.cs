using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Hub;

/// <summary>The cache's layout, which other tools read and write, and what is asked of the hub when something is in it.</summary>
public sealed class HubCacheTests : HubTestBase
{
    private const string Weights = "diffusion_pytorch_model.safetensors";

    private string Repository => Path.Combine(CacheFolder, "models--someone--some-model");

    [Fact]
    public async Task The_cache_has_the_layout_of_the_Python_library()
    {
        var content = AddControl();
        var folder = await DownloadAsync();
        Assert.Equal(Path.Combine(Repository, "snapshots", HubServer.Commit), folder);
        Assert.Equal(HubServer.Commit, await File.ReadAllTextAsync(Path.Combine(Repository, "refs", "main"), Cancel));
        Assert.Equal(content, await File.ReadAllBytesAsync(Blob(content), Cancel));
        Assert.Equal("{}", await File.ReadAllTextAsync(Blob("{}"u8.ToArray(), isLarge: false), Cancel));
        Assert.True(Directory.Exists(Path.Combine(CacheFolder, ".locks", "models--someone--some-model")));
        if (!OperatingSystem.IsWindows())
            Assert.Equal($"../../blobs/{HubServer.ETag(content, isLarge: true)}", new FileInfo(Path.Combine(folder, Weights)).LinkTarget);
    }

    [Fact]
    public async Task Without_links_the_snapshot_has_the_files()
    {
        var content = AddControl();
        Server.Add("config.json", "{}");
        var options = Load with { Hub = Hub with { UseLinks = false } };
        var folder = await DownloadAsync(options: options);
        Assert.Null(new FileInfo(Path.Combine(folder, Weights)).LinkTarget);
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Repository, "blobs")));

        var before = RequestsOf("storage").Length;
        Assert.Equal(folder, await DownloadAsync(options: options));
        Assert.Equal(before, RequestsOf("storage").Length);
    }

    [Fact]
    public async Task The_same_content_under_two_names_is_one_blob()
    {
        AddModel("sdxl");
        Assert.Equal(Hash("tokenizer/vocab.json"), Hash("tokenizer_2/vocab.json"));
        foreach (var useLinks in new[] { true, false })
        {
            var folder = await DownloadAsync(options: Load with { Hub = Hub with { UseLinks = useLinks, CacheFolder = Folder.File($"{useLinks}") } });
            ModelFolder.Open(folder).CheckWeights();
        }

        static string Hash(string file) => HubServer.ETag(File.ReadAllBytes(Fixtures.Path("models", "sdxl", file)), isLarge: true);
    }

    [Fact]
    public void What_is_in_the_cache_is_not_asked_for()
    {
        AddControl();
        Assert.Null(ModelHub.FindCached(Id, Load));
        var folder = ModelNames.FindControl(Id, Load, Cancel);
        var before = Server.Requests.Count;
        Assert.Equal(folder, ModelNames.FindControl(Id, Load, Cancel));
        Assert.Equal(folder, ModelNames.FindControl($"{Id}@{HubServer.Commit}", Load, Cancel));
        Assert.Equal(folder, ModelHub.FindCached(Id, Load));
        Assert.Equal(before, Server.Requests.Count);
    }

    [Fact]
    public async Task A_download_follows_the_branch_and_fetches_what_changed()
    {
        AddControl();
        var first = await DownloadAsync();
        Server.CommitNow = new string('b', 40);
        Server.Add("config.json", "{ }");
        var second = await DownloadAsync();
        Assert.NotEqual(first, second);
        Assert.Single(RequestsOf("storage"));
        Assert.Equal("{ }", await File.ReadAllTextAsync(Path.Combine(second, "config.json"), Cancel));
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(first, "config.json"), Cancel));
        Assert.Equal(second, ModelHub.FindCached(Id, Load));
        Assert.Equal(first, ModelHub.FindCached($"{Id}@{HubServer.Commit}", Load));
    }

    [Fact]
    public async Task Offline_nothing_is_asked_and_what_is_missing_is_named()
    {
        var offline = Load with { Hub = Hub with { IsOffline = true } };
        Assert.Contains($"'{Id}' is not in the hub's cache {CacheFolder}, and the hub may not be used (HF_HUB_OFFLINE)", await FailureAsync(options: offline), StringComparison.Ordinal);
        AddModel("sd1");
        var folder = await DownloadAsync();
        var before = Server.Requests.Count;
        Assert.Equal(folder, await DownloadAsync(options: offline));
        File.Delete(Path.Combine(folder, "unet", Weights));
        Assert.Contains("'unet': 'diffusion_pytorch_model.safetensors' (or 'diffusion_pytorch_model.bin') is missing", await FailureAsync(options: offline), StringComparison.Ordinal);
        Assert.Equal(before, Server.Requests.Count);
    }

    [Fact]
    public async Task A_blob_that_was_deleted_is_fetched_again()
    {
        var content = AddControl();
        var folder = await DownloadAsync();
        File.Delete(Blob(content));
        Assert.Null(ModelHub.FindCached(Id, Load));
        await DownloadAsync();
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder, Weights), Cancel));
    }

    [Fact]
    public async Task A_cache_that_another_tool_filled_is_used()
    {
        var snapshot = Path.Combine(Repository, "snapshots", HubServer.Commit);
        Folder.Copy(Fixtures.Path("models", "sd1"), Path.GetRelativePath(Folder.Path, snapshot));
        Directory.CreateDirectory(Path.Combine(Repository, "refs"));
        await File.WriteAllTextAsync(Path.Combine(Repository, "refs", "main"), HubServer.Commit, Cancel);
        Assert.Equal(snapshot, ModelNames.FindModel(Id, Load, Cancel));
        Assert.Empty(Server.Requests);

        var cached = Assert.Single(ModelHub.Cached(Hub));
        Assert.Equal((Id, HubServer.Commit, snapshot, true), (cached.Id, cached.Commit, cached.Folder, cached.IsModel));
        Assert.Equal(["main"], cached.Revisions);
        Assert.Equal(Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length), cached.Bytes);
    }

    private void AddModel(string name)
    {
        Assert.SkipUnless(Fixtures.Has("models", name), $"No models/{name} in {Fixtures.Root}.");
        Server.AddFolder(Fixtures.Path("models", name));
    }
}
